"use strict";
(function () {
  var tip = document.getElementById("tip");
  function show(text, event) {
    tip.textContent = text;
    tip.style.display = "block";
    var x = event.clientX + 14, y = event.clientY + 14;
    tip.style.left = Math.max(4, Math.min(x, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = Math.max(4, Math.min(y, innerHeight - tip.offsetHeight - 8)) + "px";
  }
  function hide() { tip.style.display = "none"; }
  // The browser's own tip would come late and beside ours; without this script it is there.
  document.querySelectorAll(".picture title").forEach(function (title) {
    title.parentNode.setAttribute("data-tip", title.textContent);
    title.remove();
  });
  document.querySelectorAll(".picture").forEach(function (picture) {
    function over(event) {
      var at = event.target.closest("[data-tip]");
      if (at) { show(at.getAttribute("data-tip"), event); } else if (!picture.grid) { hide(); }
    }
    picture.addEventListener("pointermove", over);
    picture.addEventListener("pointerdown", over);
    picture.addEventListener("pointerleave", hide);
  });
  function value(v) { return v === null ? "–" : String(v); }
  document.querySelectorAll("script.grid").forEach(function (script) {
    var grid = JSON.parse(script.textContent), figure = script.closest("figure");
    var picture = figure.querySelector(".picture"), svg = picture.querySelector("svg");
    picture.grid = grid;
    function over(event) {
      var box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      var x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      var column = Math.floor((x - grid.x) / grid.step);
      var row = grid.rows.find(function (row) { return y >= row[0] && y < row[0] + row[1]; });
      if (!row || column < 0 || column >= grid.columns.length) { hide(); return; }
      show(row[2] + "\nepoch " + grid.columns[column] + ": " + value(row[3][column]), event);
    }
    picture.addEventListener("pointermove", over);
    picture.addEventListener("pointerdown", over);
    var lazy = figure.querySelector(".lazy");
    lazy.closest("details").addEventListener("toggle", function () {
      if (lazy.firstChild) { return; }
      var table = document.createElement("table"), head = table.createTHead().insertRow();
      ["edge, op"].concat(grid.columns.map(function (c) { return "epoch " + c; })).forEach(function (name) {
        var th = document.createElement("th");
        th.textContent = name;
        head.appendChild(th);
      });
      var body = table.createTBody();
      grid.rows.forEach(function (row) {
        var tr = body.insertRow();
        [row[2]].concat(row[3].map(value)).forEach(function (text) { tr.insertCell().textContent = text; });
      });
      lazy.appendChild(table);
    });
  });
})();
