// Loads the tour when somebody asks for it, and goes on with one that began on another page of this tab.
(function () {
  window.pwTour = function (verb) {
    return import("/console/tour.js").then((tour) => tour[verb]());
  };
  try {
    if (sessionStorage.getItem("pointwatch_tour")) window.pwTour("goOn");
  } catch { /* a browser that keeps nothing gets no tour that goes from page to page */ }
})();
