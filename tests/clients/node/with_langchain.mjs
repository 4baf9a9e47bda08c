// LangChain.js.
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { apiKey, called, prompt, tool, vectors } from './shared.mjs';

const connect = (baseURL, model, options = {}) => new ChatOpenAI({ model, apiKey, configuration: { baseURL }, ...options });
const R = { useResponsesApi: true };

async function read(llm) {
    let whole;
    for await (const chunk of await llm.stream(prompt)) whole = whole ? whole.concat(chunk) : chunk;
    return whole;
}

async function call(llm) {
    const { name, args } = (await read(llm.bindTools([tool]))).tool_calls[0];
    return called(name, args);
}

export const chat = async (url, model) => (await connect(url, model).invoke(prompt)).text;
export const stream = async (url, model) => (await read(connect(url, model))).text;
export const tools = (url, model) => call(connect(url, model));
export const responses = async (url, model) => (await connect(url, model, R).invoke(prompt)).text;
export const rstream = async (url, model) => (await read(connect(url, model, R))).text;
export const rtools = (url, model) => call(connect(url, model, R));

export const embeddings = async (url, model) =>
    vectors(await new OpenAIEmbeddings({ model, apiKey, configuration: { baseURL: url } }).embedDocuments(['first', 'second']));
