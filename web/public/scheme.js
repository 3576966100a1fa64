// Sets light or dark before anything is painted, so that the page does not
// flash. A file of its own: a strict content policy forbids inline scripts.
(function () {
  var choice = 'auto';
  try {
    choice = window.localStorage.getItem('faultline-color-scheme') || 'auto';
  } catch (e) {
    void e; // storage may be forbidden; then the system decides
  }
  var dark = choice === 'dark' || (choice !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
