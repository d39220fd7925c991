/** What can be bound: a textarea, or an input whose text has a selection (text, search, url, tel). */
export type TextareaElement = HTMLTextAreaElement | HTMLInputElement;
