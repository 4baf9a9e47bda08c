// The Vercel AI SDK with the provider for servers that are like OpenAI's.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { call, embed, read, say } from './ai_sdk.mjs';
import { apiKey } from './shared.mjs';

const connect = (baseURL) => createOpenAICompatible({ name: 'sluice', baseURL, apiKey });

export const chat = (url, model) => say(connect(url)(model));
export const stream = async (url, model) => (await read(connect(url)(model))).text;
export const tools = (url, model) => call(connect(url)(model));
export const embeddings = (url, model) => embed(connect(url).embeddingModel(model));
