"use strict";
// The page is whole without this script; it hides what is not asked for, and opens all for paper.
const rules = [...document.querySelectorAll("details.rule")];
const texts = new Map(rules.map((rule) => [rule, rule.textContent.toLowerCase()]));
const field = (name) => document.getElementById(name);
const choices = ["verdict", "severity", "room"];

function fits(rule) {
  const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const framework = field("framework").value;
  return words.every((word) => texts.get(rule).includes(word))
    && choices.every((name) => !field(name).value || rule.dataset[name] === field(name).value)
    && (!framework || ` ${rule.dataset.frameworks} `.includes(` ${framework} `))
    && (!field("checklist").checked || rule.dataset.checklist === "yes");
}

function filter() {
  for (const rule of rules) rule.hidden = !fits(rule);
  const shown = rules.filter((rule) => !rule.hidden).length;
  field("count").textContent = `${shown} of ${rules.length} rules`;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details.rule")) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  }
}

field("filter").addEventListener("input", filter);
field("filter").addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", openTarget);
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
openTarget();
