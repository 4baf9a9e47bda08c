// shared.mjs - what all drivers ask with.

export const apiKey = 'sk-clients';
export const prompt = 'hello';
export const messages = [{ role: 'user', content: prompt }];
export const parameters = {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city', 'days'],
    additionalProperties: false,
};
export const about = { name: 'weather', description: 'What the weather will be.', parameters };
export const tool = { type: 'function', function: about };

export const called = (name, args) => `${name} ${args.city} ${args.days}`;

export function vectors(all) {
    const last = all.at(-1);
    return `${all.length} ${last.length} ${Math.round(last[0] * 100)} ${Math.round(last[31] * 100)}`;
}
