// Light or dark, as chosen before, set before anything is drawn; without a choice it is as the system says.
(function () {
  const chosen = (document.cookie.match(/(?:^|; )pointwatch_theme=(light|dark)/) || [])[1];
  if (chosen) document.documentElement.dataset.theme = chosen;
  window.pwTheme = function () {
    const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.body.classList.toggle("body--dark", next === "dark");
    document.body.classList.toggle("body--light", next === "light");
    document.cookie = "pointwatch_theme=" + next + "; path=/; max-age=31536000; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
  };
})();
