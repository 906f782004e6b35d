"use strict";
// The form works without this: it only stops a second click and counts the characters that are left.
const form = document.querySelector("form[data-most]");
const button = form.querySelector("button");
const label = button.textContent;
form.addEventListener("submit", () => {
  button.disabled = true;
  button.textContent = form.dataset.wait;
});
addEventListener("pageshow", () => {
  button.disabled = false;
  button.textContent = label;
});
const box = form.querySelector("textarea");
const count = document.createElement("p");
count.className = "aside";
const show = () => {
  const left = form.dataset.most - box.value.length;
  count.textContent = `${Math.abs(left)} ${left < 0 ? form.dataset.over : form.dataset.left}`;
};
box.after(count);
box.addEventListener("input", show);
show();
