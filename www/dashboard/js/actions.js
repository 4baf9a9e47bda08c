/*
 * actions.js - what can be done to the service, and what if it wants a token?
 *
 * An action that answers 401 asks for the token once and is tried again.  A
 * token that was refused is forgotten.
 */
export function createActions({api, token, askToken, notices, text}) {
  const t = (...a) => text().t(...a);

  async function run(call, done) {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await call();
        if (done)
          notices.say(done);
        return answer;
      } catch (e) {
        if ((e.status === 401 || (e.status === 403 && e.code !== 'sluice_forbidden')) && tries < 3 &&
          await askToken(token.get() ? t('token.wrong') : t('token.needed')))
          continue;
        if (e.status !== 401)
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
    reload: async () => {
      const answer = await run(() => api.post('/api/reload'), t('act.reloaded'));
      for (const warning of answer?.warnings ?? [])
        notices.say(String(warning), 'wait');
      return answer;
    },
  };
}
