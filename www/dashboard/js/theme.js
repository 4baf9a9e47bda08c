/*
 * theme.js - light or dark, and who must know when it changes?
 *
 * As the system says, until someone chooses; charts draw anew, for a canvas
 * knows no style sheet.
 */
const CHOICES = ['auto', 'light', 'dark'];

export function createTheme(prefs) {
  const heard = new Set();
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let choice = prefs.get('theme', 'auto');

  function apply() {
    if (choice === 'light' || choice === 'dark')
      document.documentElement.dataset.theme = choice;
    else
      delete document.documentElement.dataset.theme;
    heard.forEach((fn) => fn());
  }
  dark.addEventListener('change', apply);
  apply();
  return {
    choice: () => choice,
    next() {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      prefs.set('theme', choice);
      apply();
    },
    subscribe(fn) {
      heard.add(fn);
      return () => heard.delete(fn);
    },
  };
}
