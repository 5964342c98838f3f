// The language of the page, and its texts.

import { en } from "./texts.en.js";
import { zh } from "./texts.zh.js";

const TEXTS = { en, zh };

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");

export const currentLanguage = () => language;
export function setLanguage(name) {
  language = name;
  localStorage.setItem("language", name);
}

/** Return the text of a name with its `{placeholders}` filled. A text may be a function of the values. */
export function t(name, values = {}) {
  const text = TEXTS[language].texts[name] ?? name;
  return typeof text === "function" ? text(values) : text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** Return the name of a state or an outcome; codes of the service stay as they are. */
export const word = (name) => TEXTS[language].words[name] ?? name;
