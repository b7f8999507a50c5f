// Sentences for the browser in the reader's language, written into the page by the server.
const element = document.getElementById('phrases')
const phrases = element ? JSON.parse(element.textContent) : {}

/** Gives the sentence for `key`; the key itself when the page has none. */
export const phrase = key => phrases[key] ?? key
