// The Vercel AI SDK with the provider for OpenAI; without .chat it speaks /v1/responses.
import { createOpenAI } from '@ai-sdk/openai';
import { call, embed, read, say } from './ai_sdk.mjs';
import { apiKey } from './shared.mjs';

const connect = (baseURL) => createOpenAI({ baseURL, apiKey });

export const chat = (url, model) => say(connect(url).chat(model));
export const stream = async (url, model) => (await read(connect(url).chat(model))).text;
export const tools = (url, model) => call(connect(url).chat(model));
export const embeddings = (url, model) => embed(connect(url).embedding(model));
export const responses = (url, model) => say(connect(url)(model));
export const rstream = async (url, model) => (await read(connect(url)(model))).text;
export const rtools = (url, model) => call(connect(url)(model));
