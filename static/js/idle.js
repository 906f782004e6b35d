"use strict";
// The server signs out by itself. This only warns a minute before, and keeps what was typed on the page.
const address = document.currentScript.dataset.stay;
addEventListener("DOMContentLoaded", () => {
  const dialog = document.getElementById("idle");
  const heading = dialog.querySelector("h2");
  const page = document.getElementById("container");
  const left = dialog.querySelector("[data-left]");
  let endsAt = 0;
  let timer = 0;

  // What is in a form was typed here and stays; everything else was shown to whoever is signed out now.
  const empty = () => {
    for (const part of page.querySelectorAll("h1, h2, h3, p, li, dt, dd, td, th, .breadcrumbs, #user-tools")) {
      if (!part.closest("form, dialog") && !part.querySelector("form, dialog")) part.replaceChildren();
    }
  };
  const ask = (method) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    const headers = token ? { "X-CSRFToken": token.value } : {};
    return fetch(address, { method, headers, credentials: "same-origin" }).then((answer) => answer.json());
  };
  const show = (state) => {
    heading.textContent = heading.dataset[state];
    for (const part of dialog.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
    if (!dialog.open) dialog.showModal();
  };
  const learn = (news) => {
    endsAt = Date.now() + news.left * 1000;
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
      if (news.token) field.value = news.token;
    }
    if (news.left > 0) {
      page.classList.remove("away");
      if (news.left > 60 && dialog.open) dialog.close();
    }
    wait();
  };
  const wait = () => {
    clearTimeout(timer);
    const seconds = Math.ceil((endsAt - Date.now()) / 1000);
    if (seconds <= 0) return over();
    if (seconds > 60) {
      timer = setTimeout(() => ask("GET").then(learn, wait), (seconds - 60) * 1000 + 500);
      return undefined;
    }
    show("warn");
    left.textContent = seconds;
    timer = setTimeout(wait, 1000);
    return undefined;
  };
  const over = () => {
    ask("GET").then((news) => {
      if (news.left > 0) return learn(news);
      page.classList.add("away");
      empty();
      return show("over");
    }, () => { timer = setTimeout(over, 5000); });
  };
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.querySelector("[data-do=stay]").addEventListener("click", () => ask("POST").then(learn, wait));
  dialog.querySelector("[data-do=go-on]").addEventListener("click", () => {
    ask("GET").then((news) => { if (news.left > 0) learn(news); });
  });
  ask("GET").then(learn, () => {});
});
