// messages_trouble.mjs - the official Anthropic SDK for Node in front of a real
// Sluice, whose upstream speaks chat completions: what breaks, what waits, and
// who leaves.
//
// run.sh starts the servers and tells where they are:
//
//   SLUICE_MAIN   room for everything
//   SLUICE_TIGHT  1 request in 3 s, a queue of one, pings every second
//   SLUICE_LONG   2 requests in 20 s
//   SIM           nimsim, upstream of all three
//
// A line for each fact, then "N passed, N failed".  messages_trouble.py is its twin.

import Anthropic from '@anthropic-ai/sdk';
import {
    SLUICE_LONG, SLUICE_MAIN, SLUICE_TIGHT, arrivals, becomes, fact, finish, hello, is, noticed, part, read, refused, sim,
    sluice, watching,
} from './kit.mjs';

const connect = (baseURL = SLUICE_MAIN, options = {}) => new Anthropic({ baseURL, apiKey: 'unused', ...options });

// A client as users have it; TRIES: what it did, and what it was told.
const watched = (tries, url) => connect(url, { fetch: watching(tries) });
const once = connect(SLUICE_MAIN, { maxRetries: 0 });
const tight = connect(SLUICE_TIGHT, { maxRetries: 0 });
// One whose timeout Sluice does not know of.  It has a connection already: lighttpd
// tells of a hang-up only where it had to wait for the request (conf/README.md).
async function impatient(url, timeout) {
    const client = connect(url, { maxRetries: 0, timeout, defaultHeaders: { 'X-Stainless-Timeout': null } });
    await client.models.list({}, { timeout: 9000 });
    return client;
}

const ask = (client, model, more = {}, options = undefined) =>
    client.messages.create({ model, max_tokens: 400, messages: hello, ...more }, options);

// The words of a stream.
const words = (client, model, options) =>
    client.messages.stream({ model, max_tokens: 400, messages: hello }, options).finalText();

// ------------------------------------------- twenty seconds in line, beside all --

// Each with the timeouts of the SDK, and no others.
async function patient(what) {
    const tries = [];
    const client = watched(tries, SLUICE_LONG);
    const start = Date.now();
    if (what === 'whole') {
        const m = await ask(client, 'sim/tokens-3+whole');
        return { text: m.content[0].text, took: Date.now() - start, tries };
    }
    const { data, response } = await ask(client, 'sim/stream-3-0+live', { stream: true }).withResponse();
    const raw = response.clone().text();
    const text = (await read(data)).map((e) => e.delta?.text ?? '').join('');
    return { text, took: Date.now() - start, tries, seen: await raw };
}

let waits = {};
await part('in line', async () => {
    for (const i of [0, 1]) await ask(connect(SLUICE_LONG), `sim/tokens-1+first-${i}`);
    waits = { whole: patient('whole'), live: patient('live') };
    for (const w of Object.values(waits)) w.catch(() => {});
});

// ------------------------------------------------------------------ errors --

const ERRORS = [
    ['status-400', Anthropic.BadRequestError, 400, 'invalid_request_error'],
    ['status-401', Anthropic.AuthenticationError, 401, 'authentication_error'],
    ['dear', Anthropic.PaymentRequiredError, 402, 'billing_error'],
    ['status-403', Anthropic.PermissionDeniedError, 403, 'permission_error'],
    ['status-404', Anthropic.NotFoundError, 404, 'not_found_error'],
    ['status-408', Anthropic.RequestTimeoutError, 408, 'timeout_error'],
    ['status-409', Anthropic.ConflictError, 409, 'invalid_request_error'],
    ['status-413', Anthropic.ContentTooLargeError, 413, 'request_too_large'],
    ['status-418', Anthropic.APIError, 418, 'invalid_request_error'],
    ['status-422', Anthropic.UnprocessableEntityError, 422, 'invalid_request_error'],
    ['status-500', Anthropic.InternalServerError, 500, 'api_error'],
    ['status-502', Anthropic.InternalServerError, 502, 'api_error'],
    ['status-503', Anthropic.ServiceUnavailableError, 503, 'overloaded_error'],
    ['status-504', Anthropic.GatewayTimeoutError, 504, 'timeout_error'],
];

// A typed error, with all that the SDK finds in it.
function errorIs(what, e, kind, status, type, says) {
    fact(`${what}: a ${kind?.name} of ${type}`, kind && e.constructor === kind && e.status === status && e.type === type &&
        e.message.includes(says) && e.apiMessage.includes(says) && /^req_/.test(e.requestID) &&
        e.error.request_id === e.requestID && e.error.type === 'error', e);
}

await part('errors', async () => {
    const all = (more, tag) => Promise.all(ERRORS.map(([model]) => refused(ask(once, `sim/${model}${tag}`, more))));
    for (const [i, e] of (await all({}, '')).entries()) {
        const [model, ...want] = ERRORS[i];
        errorIs(`errors: ${model}`, e, ...want, model === 'dear' ? 'credits' : `asked for ${model.replace('-', ' ')}`);
    }
    for (const [i, e] of (await all({ stream: true }, '+s')).entries())
        fact(`errors: ${ERRORS[i][0]}, of a stream: the same`, e.constructor === ERRORS[i][1] && e.type === ERRORS[i][3], e);
    let e = await refused(ask(once, 'sim/x', { messages: [{ role: 'user', content: [{ type: 'hologram' }] }] }));
    errorIs('errors: ours', e, Anthropic.BadRequestError, 400, 'invalid_request_error', 'hologram');
    is('errors: with a code of ours', 'sluice_bad_request', e.errorCode);
    e = await refused(ask(once, 'sim/x', { messages: [{ role: 'user', content: 'x'.repeat(33 << 20) }] }));
    fact('errors: more than the web server takes is a ContentTooLargeError', e.constructor === Anthropic.ContentTooLargeError, e);
});

// -------------------------------------------------------- errors in streams --

const BROKEN = [
    ['stream-error-4-500', 'api_error', 'error 500 in its stream'],
    ['stream-error-4-503', 'overloaded_error', 'ResourceExhausted'],
    ['stream-error-4-529', 'overloaded_error', 'error 529'],
    ['stream-error-4-429', 'rate_limit_error', 'error 429'],
    ['stream-error-4-400', 'invalid_request_error', 'error 400'],
    ['cut-900', 'api_error', 'broke'],
    ['early-end-900', 'api_error', ''],
    ['reset-900', 'api_error', ''],
];

await part('broken', async () => {
    for (const [model, type, says] of BROKEN) {
        const events = [];
        let e = await refused((async () => {
            for await (const event of await ask(once, `sim/stream-9-20+${model}`, { stream: true })) events.push(event.type);
        })());
        is(`broken: ${model}: what came before it comes, and no end`, ['message_start', 'content_block_start', 'content_block_delta'],
            [...new Set(events)]);
        fact(`broken: ${model}: then an APIError of ${type}`, e instanceof Anthropic.APIError && e.type === type &&
            e.apiMessage.includes(says) && /^req_/.test(e.requestID), e);
        e = await refused(words(once, `sim/stream-9-20+${model}+again`));
        fact(`broken: ${model}: from the SDK's own helper, too`, e instanceof Anthropic.APIError && e.type === type, e);
    }
    await ask(tight, 'sim/tokens-1');
    const start = Date.now();
    const stream = await ask(tight, 'sim/status-422', { stream: true });
    const headers = Date.now() - start;
    const e = await refused(read(stream));
    const took = Date.now() - start;
    fact(`broken: an error after a wait in line (headers after ${headers} ms, it after ${took} ms)`,
        e instanceof Anthropic.APIError && e.type === 'invalid_request_error' && e.apiMessage.includes('status 422') &&
            headers < 2000 && took > 2000, e);
});

// --------------------------------------------------------------- who leaves --

await part('leaving', async () => {
    const endless = 'sim/stream-400-50';
    let gone = (await sim()).client_gone;
    for await (const event of await ask(once, endless, { stream: true })) {
        if (event.type !== 'content_block_delta') continue;
        const ms = await becomes(async () => (await sluice()).limits[0].in_flight === 1);
        fact('leaving: in_flight is 1 while it runs', ms !== null, await sluice());
        break;
    }
    await noticed('leaving a stream', gone);

    gone = (await sim()).client_gone;
    const helper = once.messages.stream({ model: endless, max_tokens: 400, messages: hello });
    helper.on('text', () => helper.abort());
    let e = await refused(helper.done());
    fact('leaving: an aborted stream is an APIUserAbortError', e instanceof Anthropic.APIUserAbortError, e);
    await noticed('an aborted stream', gone);

    gone = (await sim()).client_gone;
    const leave = new AbortController();
    const call = refused(ask(once, 'sim/hang', {}, { signal: leave.signal }));
    await becomes(async () => (await sim()).open === 1);
    leave.abort();
    e = await call;
    fact('leaving: an aborted call is an APIUserAbortError', e instanceof Anthropic.APIUserAbortError, e);
    await noticed('an aborted call', gone);
});

await part('timeout', async () => {
    let start = Date.now();
    let e = await refused(ask(once, 'sim/hang+told', {}, { timeout: 1000 }));
    // Sluice knows of it, and may be the first to say so.
    fact('timeout: of a whole answer', e instanceof Anthropic.APIConnectionTimeoutError || e.type === 'timeout_error', e);
    fact('timeout: it is kept', Date.now() - start < 4000, Date.now() - start);
    await becomes(async () => (await sluice()).queue.running === 0);
    let gone = (await sim()).client_gone;
    e = await refused(ask(await impatient(SLUICE_MAIN, 1000), 'sim/hang+untold'));
    fact('timeout: one that Sluice does not know of', e instanceof Anthropic.APIConnectionTimeoutError, e);
    await noticed('timeout of a whole answer', gone);
    gone = (await sim()).client_gone;
    e = await refused(words(once, 'sim/stream-9-0+silence-60000', { signal: AbortSignal.timeout(700) }));
    fact('timeout: in a stream that is silent', e instanceof Anthropic.APIUserAbortError, e);
    await noticed('timeout in a stream', gone);
    for (const [what, say] of [['a call', ask], ['a stream', words]]) {
        const model = `sim/tokens-2+${what}`;
        const client = await impatient(SLUICE_TIGHT, 600);
        await ask(connect(SLUICE_TIGHT), 'sim/tokens-1'); // the slot is gone for 3 s
        e = await refused(say(client, model));
        const ms = await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 0);
        fact(`timeout: ${what} in line leaves it (after ${ms} ms)`,
            e instanceof Anthropic.APIConnectionTimeoutError && ms !== null && ms < 1500, e);
        is(`timeout: ${what} in line is not sent`, [], await arrivals(model));
    }
});

// --------------------------------------------------------- who tries again --

await part('refusal', async () => {
    const tries = [];
    const model = 'sim/tokens-2+refusal';
    await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 0);
    await ask(connect(SLUICE_TIGHT), model);
    const waiter = refused(ask(connect(SLUICE_TIGHT), model));
    await becomes(async () => (await sluice(SLUICE_TIGHT)).queue.waiting === 1);
    const e = await refused(ask(tight, model));
    errorIs('refusal: of a full queue', e, Anthropic.RateLimitError, 429, 'rate_limit_error', 'queue.max');
    is('refusal: with its code', 'sluice_queue_full', e.errorCode);
    const m = await refused(ask(watched(tries, SLUICE_TIGHT), model));
    is('refusal: the SDK\'s own tries succeed', ['message', 429, 200], [m.type, tries[0].status, tries.at(-1).status]);
    const told = tries.slice(1).map((t, i) => [tries[i].wait, t.start - tries[i].end]);
    fact(`refusal: it waits as retry-after-ms says (told, waited: ${told.join(' ')} ms)`,
        told.every(([t, w]) => t > 0 && w >= t - 5 && w < t + 500), tries);
    await waiter;
    is('refusal: three were answered, and three arrived', 3, (await arrivals(model)).length);
});

await part('retries', async () => {
    const passing = ['429+retry-after-1', 'exhausted', 'status-503', '529', 'status-500']
        .flatMap((fault) => [0, 1].map((n) => `sim/${fault}+times-1+${n}+tokens-2`));
    const have = await Promise.all(passing.map(async (model, i) => {
        const tries = [];
        const client = watched(tries);
        const text = await refused(i % 2 ? words(client, model) : ask(client, model).then((m) => m.content[0].text));
        return [text, tries.length, (await arrivals(model)).length];
    }));
    for (const [i, model] of passing.entries())
        is(`retries: ${model} is repeated by Sluice, and nothing is seen of it`, ['This is', 1, 2], have[i]);
    let tries = [];
    let e = await refused(ask(watched(tries), 'sim/status-503+for-ever'));
    fact('retries: what stays a 503 is told as one', e.constructor === Anthropic.ServiceUnavailableError, e);
    is('retries: and not tried again by the SDK', [1, Number(e.headers.get('x-sluice-attempts'))],
        [tries.length, (await arrivals('sim/status-503+for-ever')).length]);
    tries = [];
    e = await refused(ask(watched(tries), 'sim/429+retry-after-1+for-ever', {}, { headers: { 'X-Sluice-Deadline': '2' } }));
    const sent = (await arrivals('sim/429+retry-after-1+for-ever')).length;
    fact(`retries: what stays a 429 is a RateLimitError, after ${tries.length} tries of the SDK`,
        e.constructor === Anthropic.RateLimitError && tries.length === 3, e);
    fact(`retries: which are no more than two sends each (${sent})`, sent > 0 && sent <= 6, sent);
    fact('retries: and wait as they are told', tries.slice(1).every((t, i) => t.start - tries[i].end >= tries[i].wait - 5), tries);
});

// ----------------------------------------------------------- in line, at last --

await part('in line', async () => {
    const done = { whole: await waits.whole, live: await waits.live };
    const times = async (...models) => (await Promise.all(models.map((m) => arrivals(m)))).map((sent) => sent.map((a) => a.t_ns));
    const [firsts, lived] = [await times('sim/tokens-1+first-0', 'sim/tokens-1+first-1'),
        await times('sim/tokens-3+whole', 'sim/stream-3-0+live')];
    is('in line: each was sent once', [1, 1], lived.map((sent) => sent.length));
    const gaps = lived.flat().sort((a, b) => a - b).map((t, i) => (t - firsts.flat()[i]) / 1e9);
    fact(`in line: when it was its turn, 20 s behind another (${gaps.map((g) => g.toFixed(2))} s)`,
        gaps.every((gap) => gap >= 20 && gap < 25), gaps);
    for (const [what, { text, took, tries, seen }] of Object.entries(done)) {
        is(`in line: ${what}: its answer after ${took} ms, with one try of the SDK`, ['This is a', [200]],
            [text, tries.map((t) => t.status)]);
        if (seen === undefined) continue;
        const pings = seen.split('event: ping').length - 1;
        fact(`in line: ${what}: told so with pings (${pings}), behind the beginning`,
            pings >= 15 && seen.indexOf('event: message_start') < seen.indexOf('event: ping'), seen.slice(0, 300));
    }
});

finish();
