// kit.mjs - what the scripts for Node have alike: facts, and what the servers
// say.  kit.py is its twin.

import { basename } from 'node:path';

export const name = basename(process.argv[1]);
export const { SIM, SIM_FIVE, SLUICE_MAIN, SLUICE_TIGHT, SLUICE_FIVE, SLUICE_LONG } = process.env;
export const hello = [{ role: 'user', content: 'hello' }];
let passed = 0;
let failed = 0;

export function fact(what, holds, have) {
    if (holds) passed++;
    else failed++;
    console.log(holds ? `ok   ${name}: ${what}` : `FAIL ${name}: ${what}\n     have: ${show(have)}`);
}

export function is(what, want, have) {
    const [w, h] = [JSON.stringify(want), JSON.stringify(have)];
    fact(what, w === h, `${h?.slice(0, 600)}\n     want: ${w?.slice(0, 600)}`);
}

export function show(value) {
    if (value instanceof Error) {
        const { status, code, type, error } = value;
        return `${value.constructor.name}: ${value.message} ${JSON.stringify({ status, code, type, error })}`.slice(0, 600);
    }
    return (typeof value === 'string' ? value : JSON.stringify(value) ?? 'undefined').slice(0, 1300);
}

// What one part throws fails that part alone.
export async function part(what, body) {
    try {
        await body();
    } catch (e) {
        fact(`${what}: runs to its end`, false, e);
    }
}

export function finish() {
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const json = async (url, options) => (await fetch(url, options)).json();
export const sluice = (url = SLUICE_MAIN) => json(`${url}/api/status`);
export const sim = (url = SIM) => json(`${url}/sim/stats`);

// Those of that very name.
export const arrivals = async (model, url = SIM) =>
    (await json(`${url}/sim/arrivals`)).arrivals.filter((a) => a.model === model);

// What the upstream itself says, without Sluice and without the SDK.
export const direct = (path, body) =>
    json(`${SIM}/v1${path}`, {
        method: 'POST',
        headers: { Authorization: 'Bearer nvapi-practice', 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
    });

// Asks until it is so, at most 5 s; gives the milliseconds it took, or null.
export async function becomes(question) {
    const start = Date.now();
    while (Date.now() - start < 5000) {
        if (await question()) return Date.now() - start;
        await sleep(10);
    }
    return null;
}

export async function refused(promise) {
    try {
        return await promise;
    } catch (e) {
        return e;
    }
}

export async function read(stream) {
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    return pieces;
}

// Waits until Sluice and nimsim have noticed that one client left.
export async function noticed(what, gone) {
    const ms = await becomes(async () => (await sim()).client_gone >= gone + 1);
    fact(`${what}: nimsim sees the client go (after ${ms} ms)`, ms !== null, await sim());
    const back = await becomes(async () => {
        const s = await sluice();
        return s.limits[0].in_flight === 0 && s.queue.running === 0;
    });
    fact(`${what}: in_flight is back at 0 (after ${back} ms)`, back !== null, await sluice());
    is(`${what}: one went, not more`, gone + 1, (await sim()).client_gone);
}

// A fetch that notes each try in TRIES: when, what came, and how long to wait.
export const watching = (tries) => async (url, init) => {
    const start = Date.now();
    const r = await fetch(url, init);
    tries.push({ start, end: Date.now(), status: r.status, wait: Number(r.headers.get('retry-after-ms')) });
    return r;
};
