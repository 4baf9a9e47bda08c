// driver.mjs MODULE: asks what a line of its input says, with the client of
// MODULE, which has a function for each thing that its client can do: chat,
// stream, tools, embeddings, upload, responses, rstream, rtools.

import readline from 'node:readline';

const inALine = (text) => String(text).split(/\s+/).filter(Boolean).join(' ');

async function ask(call, url, what) {
    if (!call) return '-';
    try {
        return `= ${inALine(await call(url, what))}`;
    } catch (e) {
        return `! ${e?.constructor?.name}: ${inALine(e?.message ?? JSON.stringify(e))}`;
    }
}

process.on('unhandledRejection', (e) => console.error(e)); // a library's own, of what it told us already
const client = await import(`./${process.argv[2]}.mjs`);
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [how, url, what] = line.split(' ');
    console.log(await ask(client[how], url, what));
}
process.exit(0);
