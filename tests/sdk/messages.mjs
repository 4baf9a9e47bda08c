// messages.mjs - the official Anthropic SDK for Node in front of a real Sluice,
// whose upstream speaks chat completions: what is asked and what is answered.
//
// run.sh starts the servers and tells where they are:
//
//   SLUICE_MAIN   room for everything
//   SIM           nimsim, its upstream; sim/mirror says what reached it
//
// A line for each fact, then "N passed, N failed".  messages.py is its twin; what
// breaks and what waits is in messages_trouble.mjs.

import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { SIM, SLUICE_MAIN, arrivals, fact, finish, hello, is, json, part, read, refused, sim } from './kit.mjs';

const client = new Anthropic({ baseURL: SLUICE_MAIN, apiKey: 'unused', maxRetries: 0 });
const tools = [['weather', 'city'], ['clock', 'zone']].map(([name, key]) => ({
    name, description: 'd', input_schema: { type: 'object', properties: { [key]: { type: 'string' } } },
}));
const thinking = { type: 'enabled', budget_tokens: 1024 };
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const ask = (model, more = {}) => client.messages.create({ model, max_tokens: 2000, messages: hello, ...more });
const helper = (model, more = {}) => client.messages.stream({ model, max_tokens: 2000, messages: hello, ...more });
const streamed = (model, more) => helper(model, more).finalMessage();
const user = (...content) => [{ role: 'user', content }];

// What reaches the upstream of a request.
const shown = async (more) => JSON.parse((await ask('sim/mirror', more)).content[0].text);

// Without what is of one answer alone; calls have other ids in another one.
function withoutIds({ type, role, model, content, stop_reason, stop_sequence, usage }) {
    return { type, role, model, content: content.map((b) => ({ ...b, id: undefined })), stop_reason, stop_sequence, usage };
}

// What is the same in another order.
function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.keys(value).sort().map((k) => [k, sorted(value[k])]));
}

// ------------------------------------------------------- a message, a stream --

await part('whole', async () => {
    const m = await ask('sim/tokens-3');
    is('whole: words, end and usage', ['message', 'assistant', 'This is a', 'end_turn', 8, 3, 'sim/tokens-3'],
        [m.type, m.role, m.content[0].text, m.stop_reason, m.usage.input_tokens, m.usage.output_tokens, m.model]);
    fact('whole: the SDK finds our request id', /^req_/.test(m._request_id), m._request_id);
    fact('whole: and its message has one, too', /^msg_/.test(m.id), m.id);
    is('whole: it was asked for as chat', ['/v1/chat/completions'], (await arrivals('sim/tokens-3')).map((a) => a.path));
    const short = await ask('sim/tokens-20', { max_tokens: 4 });
    is('whole: its bound is kept', ['max_tokens', 4], [short.stop_reason, short.usage.output_tokens]);
});

await part('stream', async () => {
    const events = await read(await ask('sim/stream-3-0', { stream: true }));
    const delta = 'content_block_delta';
    is('stream: all its events, in their order', ['message_start', 'content_block_start', delta, delta, delta,
        'content_block_stop', 'message_delta', 'message_stop'], events.map((e) => e.type));
    const words = [];
    await helper('sim/stream-6-0').on('text', (text) => words.push(text)).done();
    is('stream: word by word', ['This', ' is', ' a', ' practice', ' answer', ' from'], words);
    const { data, response } = await ask('sim/stream-6-0+silence-2500', { stream: true }).withResponse();
    const raw = response.clone().text();
    is('stream: a silence does not end it', 6, (await read(data)).filter((e) => e.type === delta).length);
    const pings = (await raw).split('event: ping').length - 1;
    fact(`stream: it is filled with pings (${pings})`, pings >= 2 && pings <= 3, await raw);
    for (const [model, more] of [
        ['sim/tokens-7', {}],
        ['sim/tools', { tools }],
        ['sim/pair-1', { tools }],
        ['sim/think-3+tokens-4', { thinking }],
        ['sim/think-3+pair-1', { thinking, tools }],
        ['sim/tokens-9+stops', { stop_sequences: ['from'] }],
        ['sim/think-2+mirror', { thinking, system: 'a "b" \u2028 \\ ☃' }],
    ]) {
        const [whole, live] = [withoutIds(await ask(model, more)), withoutIds(await streamed(model, more))];
        if (model.endsWith('mirror')) for (const m of [whole, live]) m.content.pop(); // a stream asks for other things besides
        is(`stream: it makes the whole message: ${model}`, sorted(whole), sorted(live));
    }
});

// ------------------------------------------------------------------- tools --

const RESULTS = { weather: [{ type: 'text', text: 'rain' }], clock: 'noon' };

// A user's own loop; the turns that were sent, and the last answer.
async function loop(say, model) {
    const turns = [...hello];
    for (let i = 0; i < 9; i++) {
        const m = await say(model, { messages: turns, tools });
        turns.push({ role: 'assistant', content: m.content });
        if (m.stop_reason !== 'tool_use') return [turns, m];
        turns.push(...user(...m.content.filter((b) => b.type === 'tool_use').map((c) => (
            { type: 'tool_result', tool_use_id: c.id, content: RESULTS[c.name], is_error: c.name === 'clock' }))));
    }
    throw new Error('it does not end');
}

// LAST is an answer of sim/pair-2+mirror: what reached the upstream in the last turn.
function loopIsSound(how, last, results) {
    const sent = JSON.parse(last.content.at(-1).text).messages;
    const answered = sent.filter((m) => m.role === 'tool');
    const calls = ['assistant', 'tool', 'tool'];
    is(`${how}: two calls and both results, twice`, ['user', ...calls, ...calls], sent.map((m) => m.role));
    is(`${how}: each result names its call`, sent.filter((m) => m.role === 'assistant').flatMap((m) => m.tool_calls.map((c) => c.id)),
        answered.map((m) => m.tool_call_id));
    is(`${how}: four ids`, 4, new Set(answered.map((m) => m.tool_call_id)).size);
    is(`${how}: their results arrive`, [...results, ...results], answered.map((m) => m.content));
    is(`${how}: and with what they were called`, [['weather', { city: 'Oslo', days: 3 }], ['clock', { zone: 'Europe/Oslo' }]],
        sent[1].tool_calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]));
}

await part('tools', async () => {
    const m = await ask('sim/tools', { tools });
    is('tools: a call', ['tool_use', 'weather', { city: 'Oslo', days: 3 }], [m.stop_reason, m.content[0].name, m.content[0].input]);
    const pieces = [];
    await helper('sim/tools', { tools }).on('inputJson', (piece) => pieces.push(piece)).done();
    is('tools: in pieces', [{ city: 'Oslo', days: 3 }, true], [JSON.parse(pieces.join('')), pieces.length > 1]);
    for (const [how, say] of [['tools', ask], ['tools, in streams', streamed]]) {
        const [turns, last] = await loop(say, 'sim/pair-2+mirror');
        is(`${how}: the loop ends after three answers`, ['end_turn', 6], [last.stop_reason, turns.length]);
        loopIsSound(how, last, ['rain', 'Error:\n\nnoon']);
    }
    for (const [choice, want] of [
        [{ type: 'auto', disable_parallel_tool_use: true }, ['auto', false]],
        [{ type: 'any' }, ['required', null]],
        [{ type: 'none' }, ['none', null]],
        [{ type: 'tool', name: 'clock' }, [{ type: 'function', function: { name: 'clock' } }, null]],
    ]) {
        const sent = await shown({ tools, tool_choice: choice });
        is(`tools: the choice ${choice.type}`, want, [sent.tool_choice ?? 'auto', sent.parallel_tool_calls ?? null]);
    }
    is('tools: they are declared', tools.map((t) => [t.name, t.input_schema]),
        (await shown({ tools })).tools.map((t) => [t.function.name, t.function.parameters]));
});

await part('runner', async () => {
    let called = [];
    const runnable = (name, keys, run) => betaTool({
        name, description: 'd', run,
        inputSchema: { type: 'object', properties: Object.fromEntries(keys.map((k) => [k, {}])), required: keys },
    });
    const both = [
        runnable('weather', ['city', 'days'], ({ city, days }) => { called.push([city, days]); return 'rain'; }),
        runnable('clock', ['zone'], ({ zone }) => { called.push(zone); return 'noon'; }),
    ];
    for (const [how, more] of [
        ['runner', { thread: false }],
        ['runner, in streams', { thread: false, stream: true }],
        // The SDK first asks to have its conversation kept, and is told that nobody does.
        ['runner, as it comes', {}],
        ['runner, as it comes, in streams', { stream: true }],
    ]) {
        const model = `sim/pair-2+mirror+${how}`;
        called = [];
        const answers = [];
        const turns = client.beta.messages.toolRunner({ model, max_tokens: 2000, messages: hello, tools: both, max_iterations: 9, ...more });
        for await (const a of turns) answers.push(more.stream ? await a.finalMessage() : a);
        const once = [['Oslo', 3], 'Europe/Oslo'];
        // It runs what was asked for at once side by side.
        is(`${how}: three answers, four calls`, [3, [...once, ...once]], [answers.length, called]);
        is(`${how}: and as many requests of the upstream`, 3, (await arrivals(model)).length);
        loopIsSound(how, answers.at(-1), ['rain', 'noon']);
    }
});

// ---------------------------------------------------------------- thinking --

await part('thinking', async () => {
    let m = await ask('sim/think-3+tokens-2', { thinking });
    is('thinking: a block of it, then the words', [['thinking', 'Let me think'], ['text', 'This is']],
        m.content.map((b) => [b.type, b[b.type]]));
    const { signature } = m.content[0];
    fact('thinking: it is signed', signature, m.content[0]);
    const [seen, signed] = [[], []];
    await helper('sim/think-3+tokens-2', { thinking })
        .on('thinking', () => seen.push('thinking'))
        .on('signature', (s) => { seen.push('signature'); signed.push(s); })
        .on('text', () => seen.push('text')).done();
    is('thinking: event by event', ['thinking', 'thinking', 'thinking', 'signature', 'text', 'text'], seen);
    is('thinking: the signature is the whole\'s', [signature], signed);
    for (const [what, more] of [['unasked', {}], ['disabled', { thinking: { type: 'disabled' } }]])
        is(`thinking: ${what}, it is not told`, ['text'], (await ask('sim/think-3+tokens-2', more)).content.map((b) => b.type));
    m = await ask('sim/tokens-2+no-template+no-effort', { thinking });
    is('thinking: of a model that knows nothing of it, the words', 'This is', m.content[0].text);
    m = await ask('sim/think-3+tokens-2', { thinking: { type: 'adaptive', display: 'omitted' } });
    is('thinking: omitted, only its signature is', ['', true], [m.content[0].thinking, Boolean(m.content[0].signature)]);

    m = await ask('sim/think-3+pair-1', { thinking, tools });
    const results = m.content.filter((b) => b.type === 'tool_use').map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'x' }));
    const sent = await shown({ messages: [...hello, { role: 'assistant', content: m.content }, ...user(...results)], thinking, tools });
    is('thinking: its block goes back with its calls', ['user', 'assistant', 'tool', 'tool'], sent.messages.map((t) => t.role));
    fact('thinking: and no signature reaches the upstream', !JSON.stringify(sent).includes(signature), sent);
    const content = [m.content[0], { type: 'redacted_thinking', data: 'eA==' }, { type: 'text', text: 'so' }];
    is('thinking: so does one that is redacted, unsaid', 'so',
        (await shown({ messages: [...hello, { role: 'assistant', content }, ...hello] })).messages[1].content);
});

// --------------------------------------------- images, documents, and others --

await part('images', async () => {
    const data = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } };
    const url = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
    const text = { type: 'text', text: 'what?' };
    const asData = { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } };
    const asUrl = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    is('images: their data and their address arrive, in their order', [asData, text, asUrl],
        (await shown({ messages: user(data, text, url) })).messages[0].content);
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'weather', input: {} }] };
    const result = { type: 'tool_result', tool_use_id: 't1', content: [text, data] };
    const sent = (await shown({ messages: [...hello, call, ...user(result)], tools })).messages.slice(-2);
    is('images: of a tool, they follow its result', ['tool', 'user'], sent.map((m) => m.role));
    fact('images: all of them', JSON.stringify(sent[1]).includes(PIXEL) && sent[0].content.includes('what?'), sent);
    const e = await refused(ask('sim/tokens-2', { messages: user({ type: 'image', source: { type: 'file', file_id: 'f' } }) }));
    fact('images: of a file of Anthropic\'s, a BadRequestError', e instanceof Anthropic.BadRequestError, e);
});

await part('documents', async () => {
    const plain = { type: 'document', title: 'Rules', source: { type: 'text', media_type: 'text/plain', data: 'be <kind>' } };
    const made = { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'inner' }] } };
    const said = JSON.stringify((await shown({ messages: user(plain, made) })).messages[0].content);
    fact('documents: their text and title arrive', ['<document>', 'Rules', 'be <kind>', 'inner'].every((w) => said.includes(w)), said);
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } };
    const e = await refused(ask('sim/tokens-2+pdf', { messages: user(pdf) }));
    fact('documents: a PDF is a BadRequestError of invalid_request_error',
        e instanceof Anthropic.BadRequestError && e.type === 'invalid_request_error', e);
    is('documents: and is not sent', [], await arrivals('sim/tokens-2+pdf'));
});

await part('system', async () => {
    const blocks = [{ type: 'text', text: 'be', cache_control: { type: 'ephemeral' } }, { type: 'text', text: 'brief' }];
    for (const [what, system, content] of [['a string', 'be brief', 'be brief'], ['blocks', blocks, 'be\n\nbrief']])
        is(`system: ${what}`, { role: 'system', content }, (await shown({ system })).messages[0]);
});

await part('stop', async () => {
    let m = await ask('sim/tokens-9+stops', { stop_sequences: ['nobody', 'from'] });
    is('stop: it says which', ['stop_sequence', 'from', 'This is a practice answer'], [m.stop_reason, m.stop_sequence, m.content[0].text]);
    m = await ask('sim/tokens-3+stops', { stop_sequences: ['nobody'] });
    is('stop: and says nothing if there was none', ['end_turn', null], [m.stop_reason, m.stop_sequence]);
    is('stop: they arrive', ['\n\nHuman:', 'x'], (await shown({ stop_sequences: ['\n\nHuman:', 'x'] })).stop);
});

await part('format', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
    const sent = await shown({ output_config: { format: { type: 'json_schema', schema } } });
    is('format: its schema arrives', schema, sent.response_format.json_schema.schema);
});

// ---------------------------------------------------------- tokens, models --

await part('count_tokens', async () => {
    const before = (await sim()).accepted;
    const count = async (more) => (await client.messages.countTokens({ model: 'sim/x', messages: hello, ...more })).input_tokens;
    const [few, many] = [await count({}), await count({ messages: user({ type: 'text', text: 'word '.repeat(400) }), tools })];
    fact(`count_tokens: few are few, and many more (${few}, ${many})`, few > 0 && few < 50 && many > 350 && many < 1200, [few, many]);
    const e = await refused(count({ messages: [] }));
    fact('count_tokens: of nothing, a BadRequestError', e instanceof Anthropic.BadRequestError, e);
    is('count_tokens: nobody is asked for it', before, (await sim()).accepted);
});

await part('models', async () => {
    const want = (await json(`${SIM}/v1/models`)).data.map((m) => m.id);
    const listed = await read(client.models.list({ limit: 2 }));
    is('models: all of them, page by page', want.sort(), listed.map((m) => m.id).sort());
    is('models: each is one', ['model', 'string', true],
        [listed[0].type, typeof listed[0].display_name, Date.parse(listed[0].created_at) > 0]);
    const name = 'meta/llama-3.1-8b-instruct';
    const { _request_id, ...one } = await client.models.retrieve(name);
    is('models: one by its name, which has a slash, is the same', sorted(listed.find((m) => m.id === name)), sorted(one));
    const e = await refused(client.models.retrieve('no/such'));
    fact('models: of none, a NotFoundError that names it, in Anthropic\'s shape', e instanceof Anthropic.NotFoundError &&
        e.type === 'not_found_error' && e.message.includes('no/such') && e.error.type === 'error', e);
});

finish();
