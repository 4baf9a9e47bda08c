/*
 * actions.js - what can be done to the service, and what if it wants a token?
 *
 * An action that answers 401 asks for the admin token and is tried again.  Who
 * declines keeps the token there is: it may be one for reading.
 */
export function createActions({api, askToken, notices, text}) {
  const t = (...a) => text().t(...a);

  async function run(call, done) {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await call();
        if (done)
          notices.say(done);
        return answer;
      } catch (e) {
        const asked = e.status === 401 && tries < 3;
        if (asked && await askToken(t(tries ? 'token.wrong' : 'token.needed')))
          continue;
        if (!asked)
          notices.say(e.status ? e.message : t('act.unreachable'), 'bad');
        return null;
      }
    }
  }
  return {
    run,
    pause: () => run(() => api.post('/api/pause'), t('act.paused')),
    resume: () => run(() => api.post('/api/resume'), t('act.resumed')),
    cancel: (id) => run(() => api.del(`/api/queue/${encodeURIComponent(id)}`), t('act.cancelled', {id})),
    clear: (what) => run(() => api.post('/api/retreat/clear', what), t('act.cleared')),
    /* A rate is a bucket of one, a window is as many at once. */
    adopt: ({upstream, learned}) => run(() => api.patch('/api/config', {[`upstreams.${upstream}.requests`]: learned.requests,
      ...(learned.kind === 'rate' && {[`upstreams.${upstream}.burst`]: 1})}), t('act.adopted', {n: learned.requests})),
    reload: async () => {
      const answer = await run(() => api.post('/api/reload'), t('act.reloaded'));
      for (const warning of answer?.warnings ?? [])
        notices.say(String(warning), 'wait');
      return answer;
    },
  };
}
