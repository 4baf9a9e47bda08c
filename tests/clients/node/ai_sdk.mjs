// What both providers of the Vercel AI SDK have in common.  A stream tells of
// its errors in a part of its own: who reads textStream alone sees it end.
import { embedMany, generateText, jsonSchema, streamText, tool } from 'ai';
import { called, parameters, prompt, vectors } from './shared.mjs';

export const say = async (model) => (await generateText({ model, prompt })).text;

export async function read(model, options = {}) {
    const read = { text: '', calls: [] };
    const { fullStream } = streamText({ model, prompt, onError() {}, ...options });
    for await (const part of fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta') read.text += part.text;
        if (part.type === 'tool-call') read.calls.push(called(part.toolName, part.input));
    }
    return read;
}

export async function call(model) {
    const weather = tool({ description: 'What the weather will be.', inputSchema: jsonSchema(parameters) });
    return (await read(model, { tools: { weather } })).calls.join(' ');
}

export const embed = async (model) => vectors((await embedMany({ model, values: ['first', 'second'] })).embeddings);
