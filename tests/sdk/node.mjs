// node.mjs - the official OpenAI SDK for Node in front of a real Sluice.
//
// run.sh starts the servers and tells where they are:
//
//   SLUICE_MAIN   room for everything
//   SLUICE_TIGHT  1 request in 3 s, a queue of one, comments every second
//   SLUICE_FIVE   5 requests in 2 s
//   SIM, SIM_FIVE nimsim, upstream of the first two and of the third; the
//                 second refuses a sixth request in 2 s
//
// A line for each fact, then "N passed, N failed".  python.py is its twin.

import OpenAI from 'openai';
import {
    SIM_FIVE, SLUICE_FIVE, SLUICE_MAIN, SLUICE_TIGHT, becomes, direct, fact, finish, is, json, noticed, part, read, refused,
    show, sim, sleep, sluice, watching, hello as messages,
} from './kit.mjs';

const connect = (url, options = {}) =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-sdk', ...options });

const text = (chunks) => chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');

const client = connect(SLUICE_MAIN);
const tight = connect(SLUICE_TIGHT);

// ------------------------------------------------------ what everyone does --

await part('chat', async () => {
    const model = 'sim/tokens-7';
    const want = (await direct('/chat/completions', { model, messages })).choices[0].message.content;
    const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
    is('chat: the text is the upstream\'s', want, data.choices[0].message.content);
    is('chat: finish_reason and usage', ['stop', 7],
        [data.choices[0].finish_reason, data.usage.completion_tokens]);
    fact('chat: the SDK finds our request id', /^req_[0-9a-f]{24}$/.test(data._request_id), data._request_id);
    is('chat: tried once', '1', response.headers.get('x-sluice-attempts'));
    const short = await client.chat.completions.create({ model: 'sim/echo', messages, max_tokens: 3 });
    is('chat: max_tokens arrives', ['length', 3],
        [short.choices[0].finish_reason, short.usage.completion_tokens]);
});

await part('stream', async () => {
    const model = 'sim/stream-30-10';
    const want = (await direct('/chat/completions', { model, messages })).choices[0].message.content;
    const chunks = await read(await client.chat.completions.create(
        { model, messages, stream: true, stream_options: { include_usage: true } }));
    const deltas = chunks.map((c) => c.choices[0]?.delta ?? {});
    is('stream: 33 chunks: role, 30 words, finish, usage', [33, 'assistant', 30],
        [chunks.length, deltas[0].role, deltas.filter((d) => d.content).length]);
    is('stream: the words in their order make the buffered text', want, text(chunks));
    is('stream: finish_reason in the last but one', ['stop', 31],
        [chunks[31].choices[0].finish_reason, chunks.findIndex((c) => c.choices[0]?.finish_reason)]);
    is('stream: usage in the last', 30, chunks[32].usage.completion_tokens);
    is('stream: one id in all', 1, new Set(chunks.map((c) => c.id)).size);

    const helper = client.chat.completions.stream({ model, messages });
    is('stream: the SDK\'s own helper puts the same text together', want, await helper.finalContent());

    const quiet = await read(await client.chat.completions.create(
        { model: 'sim/stream-6-0+silence-2500', messages, stream: true }));
    is('stream: a silence filled with comments, heartbeat_s=1, all 6 words', 6,
        quiet.filter((c) => c.choices[0].delta.content).length);
});

await part('embeddings', async () => {
    const input = ['first', 'second'];
    const model = 'nvidia/nv-embed-v1';
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
    is('embeddings: two of 32 numbers', [32, 32], packed.data.map((d) => d.embedding.length));
    const gap = Math.max(...packed.data.flatMap((d, i) =>
        Array.from(d.embedding, (v, k) => Math.abs(v - plain.data[i].embedding[k]))));
    fact('embeddings: base64, which the SDK asks for, and float agree', gap < 1e-6, gap);
    const want = (await direct('/embeddings', { model, input })).data[1].embedding;
    is('embeddings: float is the upstream\'s', want, plain.data[1].embedding);
});

await part('models', async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    const id = 'meta/llama-3.1-8b-instruct';
    fact('models: the list has the upstream\'s', ids.includes(id), ids);
    is('models: retrieve, an id with a slash', id, (await client.models.retrieve(id)).id);
    const e = await refused(client.models.retrieve('no/such'));
    fact('models: retrieve of an unknown one is a NotFoundError with our code',
        e instanceof OpenAI.NotFoundError && e.code === 'model_not_found' && /no\/such/.test(e.message), e);
});

await part('completions', async () => {
    const model = 'sim/stream-5-10';
    const want = (await direct('/completions', { model, prompt: 'x' })).choices[0].text;
    const whole = await client.completions.create({ model, prompt: 'x' });
    is('completions: the text is the upstream\'s', [want, 'stop'],
        [whole.choices[0].text, whole.choices[0].finish_reason]);
    const chunks = await read(await client.completions.create({ model, prompt: 'x', stream: true }));
    is('completions: the stream makes the same text', want, chunks.map((c) => c.choices[0].text).join(''));
});

await part('responses', async () => {
    const model = 'sim/stream-8-10';
    const whole = await client.responses.create({ model, input: 'hello' });
    const want = (await direct('/responses', { model, input: 'hello' })).output[0].content[0].text;
    is('responses: the text is the upstream\'s', [want, 'completed'], [whole.output_text, whole.status]);
    const events = await read(await client.responses.create({ model, input: 'hello', stream: true }));
    is('responses: 16 events in their order', [...Array(16).keys()], events.map((e) => e.sequence_number));
    is('responses: from created to completed', ['response.created', 'response.completed'],
        [events[0].type, events[15].type]);
    is('responses: the deltas make the text', want,
        events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join(''));
});

// ------------------------------------------------------------- what breaks --

await part('errors', async () => {
    let e = await refused(client.chat.completions.create({ model: 42, messages }));
    fact('errors: a 400 of ours is a BadRequestError with message, code, type and request id',
        e instanceof OpenAI.BadRequestError && e.status === 400 && e.code === 'sluice_bad_request' &&
            e.type === 'invalid_request_error' && e.message.includes('"model" must be a string') &&
            /^req_/.test(e.requestID), e);
    e = await refused(client.chat.completions.create({ model: 'sim/unknown', messages }));
    fact('errors: an unknown model is a NotFoundError with a request id',
        e instanceof OpenAI.NotFoundError && e.status === 404 && /^req_/.test(e.requestID), e);
    e = await refused(client.chat.completions.create({ model: 'sim/status-418', messages }));
    fact('errors: an upstream\'s own error keeps status and message',
        e instanceof OpenAI.APIError && e.status === 418 && !e.message.includes('no body'), e);
    e = await refused(connect(SLUICE_MAIN, { maxRetries: 0 }).chat.completions.create(
        { model: 'sim/tokens-30+cut-100', messages }));
    fact('errors: a buffered answer cut short is a 502, sluice_upstream_truncated',
        e instanceof OpenAI.InternalServerError && e.status === 502 &&
            e.code === 'sluice_upstream_truncated', e);
});

await part('truncated', async () => {
    const chunks = [];
    const e = await refused((async () => {
        for await (const c of await client.chat.completions.create(
            { model: 'sim/stream-6-0+cut-700', messages, stream: true })) chunks.push(c);
        return `ended as if all were well, after ${chunks.length} chunks`;
    })());
    fact(`truncated: the ${chunks.length} whole chunks before the cut come`, chunks.length > 0, chunks.length);
    fact('truncated: then the stream throws', e instanceof Error, e);
    fact('truncated: what it throws is an APIError with our code and message',
        e instanceof OpenAI.APIError && e.code === 'sluice_upstream_truncated' && /broke/.test(e.message), e);

    const events = [];
    const ask = { input: 'hello', stream: true };
    const ended = await refused((async () => {
        for await (const c of await client.responses.create({ model: 'sim/stream-6-0+early-end-2000', ...ask }))
            events.push(c);
    })());
    fact(`truncated: a response that just ends gives its ${events.length - 1} events`,
        events.at(-2)?.type === 'response.output_text.delta', events);
    is('truncated: then response.failed, numbered on', `response.failed ${events.length - 1} server_error`,
        `${events.at(-1)?.type} ${events.at(-1)?.sequence_number} ${events.at(-1)?.response?.error?.code}`);
    fact('truncated: then an APIError with our code, too',
        ended instanceof OpenAI.APIError && ended.code === 'sluice_upstream_truncated', ended);
    const failed = await read(await client.responses.create({ model: 'sim/stream-6-0+failed-7', ...ask }));
    is('truncated: one that failed ends with that', 'response.failed', failed.at(-1).type);
    is('truncated: and with nothing of ours', 8, failed.length);
});

await part('abort', async () => {
    const ask = { model: 'sim/stream-200-50', messages, stream: true };
    let gone = (await sim()).client_gone;
    let count = 0;
    for await (const _ of await client.chat.completions.create(ask)) {
        if (++count === 4) {
            const ms = await becomes(async () => (await sluice(SLUICE_MAIN)).limits[0].in_flight === 1);
            fact('abort: in_flight is 1 while it runs', ms !== null, await sluice(SLUICE_MAIN));
            break;
        }
    }
    await noticed('abort by break', gone);

    gone = (await sim()).client_gone;
    count = 0;
    const stream = await client.chat.completions.create(ask);
    for await (const _ of stream) if (++count === 4) stream.controller.abort();
    fact('abort by controller: nothing comes after it', count < 10, count);
    await noticed('abort by controller', gone);

    gone = (await sim()).client_gone;
    const hang = new AbortController();
    const call = refused(client.chat.completions.create({ model: 'sim/hang', messages }, { signal: hang.signal }));
    await becomes(async () => (await sim()).open === 1);
    hang.abort();
    const e = await call;
    fact('abort of a buffered call: APIUserAbortError', e instanceof OpenAI.APIUserAbortError, e);
    await noticed('abort of a buffered call', gone);
});

// ------------------------------------------------------------ what waits --

await part('refusal', async () => {
    const tries = []; // what the SDK did, and what it was told
    const watched = connect(SLUICE_TIGHT, { fetch: watching(tries) });
    await tight.chat.completions.create({ model: 'sim/tokens-2', messages });
    const waiter = tight.chat.completions.create({ model: 'sim/tokens-2', messages });
    waiter.catch(() => {});
    await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 1);
    const e = await refused(connect(SLUICE_TIGHT, { maxRetries: 0 }).chat.completions.create(
        { model: 'sim/tokens-2', messages }));
    fact('refusal: without retries a full queue is a RateLimitError that names queue.max',
        e instanceof OpenAI.RateLimitError && e.code === 'sluice_queue_full' && /queue\.max/.test(e.message), e);
    const answer = await refused(watched.chat.completions.create({ model: 'sim/tokens-2', messages }));
    fact('refusal: with the SDK\'s two retries it succeeds', answer.object === 'chat.completion', answer);
    is('refusal: first 429, at last 200', [429, 200], [tries[0].status, tries.at(-1).status]);
    const waits = tries.slice(1).map((t, i) => ({ told: tries[i].wait, waited: t.start - tries[i].end }));
    fact(`refusal: it waits as retry-after-ms says (told ${waits.map((w) => w.told)}, waited ` +
        `${waits.map((w) => w.waited)} ms)`,
        waits.every((w) => w.told > 0 && w.waited >= w.told - 5 && w.waited < w.told + 500), tries);
    await waiter;
});

await part('waiting', async () => {
    const start = Date.now();
    const { data: stream, response } = await tight.chat.completions.create(
        { model: 'sim/stream-6-20', messages, stream: true }).withResponse();
    const headers = Date.now() - start;
    const raw = response.clone().text();
    const chunks = await read(stream);
    const comments = ((await raw).match(/^: queued position=\d+ eta=\d+s$/gm) ?? []).length;
    fact(`waiting: the stream is committed (headers after ${headers} ms, all after ${Date.now() - start} ms)`,
        response.status === 200 && headers < 2000 && Date.now() - start > 2000, [headers, Date.now() - start]);
    fact(`waiting: ": queued" comments came (${comments})`, comments >= 2, await raw);
    fact('waiting: so did the comment at the end', /^: sluice queue_ms=\d+ attempts=1$/m.test(await raw), await raw);
    is('waiting: the SDK reads 8 chunks, 6 words, stop', [8, 6, 'stop'],
        [chunks.length, chunks.filter((c) => c.choices[0].delta.content).length,
            chunks.at(-1).choices[0].finish_reason]);
});

await part('committed', async () => {
    // The one upstream error is in OpenAI's shape, the other in NVIDIA's.
    for (const [model, want] of [['sim/status-422', /asked for status 422/], ['sim/403', /Authorization failed/]]) {
        const start = Date.now();
        const stream = await tight.chat.completions.create({ model, messages, stream: true });
        const waited = Date.now() - start;
        const e = await refused(read(stream));
        fact(`committed: ${model} after the commit (headers after ${waited} ms) throws an APIError`,
            e instanceof OpenAI.APIError && !(e instanceof OpenAI.APIConnectionError), e);
        fact(`committed: ${model}: its message is the upstream's`, want.test(e.message), e);
    }
    // An upstream that ignores `stream` answers after our head with JSON.
    const model = 'sim/slow-1500+tokens-5+json-for-stream';
    const text = 'This is a practice answer';
    const chunks = await read(await tight.chat.completions.create({ model, messages, stream: true }));
    is('committed: JSON becomes the chunks of a stream', [text, 'stop', 5],
        [chunks.map((c) => c.choices[0].delta.content ?? '').join(''), chunks.at(-1).choices[0].finish_reason,
            chunks.at(-1).usage.completion_tokens]);
    const helped = await tight.chat.completions.stream({ model, messages }).finalChatCompletion();
    is("committed: the SDK's own helper reads them", text, helped.choices[0].message.content);
    const events = await read(await tight.responses.create({ model, input: 'x', stream: true }));
    is("committed: a response's, too, in deltas and whole", [text, 'response.completed', text],
        [events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join(''),
            events.at(-1).type, events.at(-1).response.output[0].content[0].text]);
});

// Of a timeout the SDK tells only if it is the request's own, not the client's.
await part('deadline', async () => {
    await tight.chat.completions.create({ model: 'sim/tokens-2', messages }); // the slot is gone for 3 s
    const start = Date.now();
    const e = await refused(tight.chat.completions.create({ model: 'sim/tokens-2', messages }, { timeout: 1000 }));
    const took = Date.now() - start;
    fact(`deadline: a timeout of 1 s that cannot be met is refused at once (${took} ms) and not tried again`,
        e instanceof OpenAI.RateLimitError && e.code === 'sluice_deadline' && took < 900, e);
});

await part('leaving', async () => {
    for (const [what, after, stream] of [['before', 300, true], ['after', 1400, true], ['buffered', 300, false]]) {
        const name = stream ? `a stream that leaves ${what} its commit` : 'a buffered call that leaves';
        let accepted, waits, ms;
        // lighttpd does not tell of a request that it found together with its
        // connection (conf/README.md): that is luck, so there are three tries.
        for (let i = 0; i < 3 && !(waits != null && ms != null && ms < 100); i += 1) {
            ({ accepted } = await sim());
            await tight.chat.completions.create({ model: 'sim/tokens-2', messages }); // the slot is gone for 3 s
            const leave = new AbortController();
            const call = refused((async () => read(await tight.chat.completions.create(
                { model: 'sim/tokens-2', messages, stream }, { signal: leave.signal })))());
            waits = await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 1);
            await sleep(after);
            leave.abort();
            await call;
            ms = await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 0);
        }
        fact(`leaving: ${name} is out of the queue (after ${ms} ms)`, waits !== null && ms !== null && ms < 1500,
            [waits, ms]);
        is(`leaving: ${name} does not reach the upstream`, accepted + 1, (await sim()).accepted);
    }
});

await part('many', async () => {
    await json(`${SIM_FIVE}/sim/reset`, { method: 'POST' }).catch(() => {});
    const many = connect(SLUICE_FIVE, { maxRetries: 0 });
    const start = Date.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () =>
        refused(many.chat.completions.create({ model: 'sim/tokens-3', messages }))));
    const took = Date.now() - start;
    const good = answers.filter((a) => a.object === 'chat.completion').length;
    fact(`many: 20 at once, 5 in 2 s, maxRetries 0: all succeed (${took} ms)`, good === 20,
        answers.filter((a) => a instanceof Error).map(show));
    const { max, max_in_window } = await json(`${SIM_FIVE}/sim/max?window_ms=2000`);
    fact(`many: at most 5 arrive in any 2 s (${max ?? max_in_window})`, (max ?? max_in_window) === 5, max);
    const { accepted, refused: no } = await sim(SIM_FIVE);
    is('many: the upstream took 20 and refused none', [20, 0], [accepted, no]);
    fact('many: no slot was left unused for long', took >= 7400 && took < 9500, took);
});

finish();
