// The official SDK.
import fs from 'node:fs';
import OpenAI from 'openai';
import { about, apiKey, called, messages, prompt, tool, vectors } from './shared.mjs';

const connect = (baseURL) => new OpenAI({ baseURL, apiKey });
const final = (url, options) => connect(url).responses.stream({ input: prompt, ...options }).finalResponse();

export const chat = async (url, model) =>
    (await connect(url).chat.completions.create({ model, messages })).choices[0].message.content;

export async function stream(url, model) {
    let text = '';
    for await (const chunk of await connect(url).chat.completions.create({ model, messages, stream: true }))
        text += chunk.choices[0]?.delta?.content ?? '';
    return text;
}

export async function tools(url, model) {
    const events = connect(url).chat.completions.stream({ model, messages, tools: [tool] });
    const call = (await events.finalMessage()).tool_calls[0].function;
    return called(call.name, JSON.parse(call.arguments));
}

export const embeddings = async (url, model) =>
    vectors((await connect(url).embeddings.create({ model, input: ['first', 'second'] })).data.map((d) => d.embedding));

export async function upload(url, path) {
    const { filename, bytes } = await connect(url).files.create({ file: fs.createReadStream(path), purpose: 'batch' });
    return `${filename} ${bytes}`;
}

export const responses = async (url, model) =>
    (await connect(url).responses.create({ model, input: prompt })).output_text;

export async function rstream(url, model) {
    const answer = await final(url, { model });
    if (answer.status !== 'completed') throw new Error(`the response is ${answer.status}`); // as its reference has it
    return answer.output_text;
}

export async function rtools(url, model) {
    const call = (await final(url, { model, tools: [{ type: 'function', strict: true, ...about }] })).output[0];
    return called(call.name, JSON.parse(call.arguments));
}
