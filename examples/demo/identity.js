// Who you are: a name that you choose, or one that chance gives to this window.

const adjectives = ["Amber", "Brisk", "Calm", "Daring", "Gentle", "Keen", "Lucid", "Merry", "Nimble", "Quiet", "Silver", "Wry"];
const animals = ["Badger", "Curlew", "Dormouse", "Egret", "Finch", "Heron", "Ibex", "Lynx", "Marten", "Otter", "Puffin", "Wren"];

/** The name in the field, kept in this browser once it was chosen. */
export class Identity {
  /** Called with each new name. */
  onChange = () => {};
  #field;

  constructor(field) {
    this.#field = field;
    field.value = localStorage.getItem("cowrite.name") ?? kept("cowrite.random-name", () => `${any(adjectives)} ${any(animals)}`);
    field.addEventListener("change", () => {
      const name = field.value.trim();
      if (name) localStorage.setItem("cowrite.name", name);
      else field.value = kept("cowrite.random-name", () => "Somebody");
      this.onChange(this.name);
    });
  }

  /** The name that the others see. */
  get name() {
    return this.#field.value.trim();
  }

  /** What the second person on this page is called. */
  get second() {
    return kept("cowrite.second-name", () => `${any(adjectives)} ${any(animals)}`);
  }

  /** A user id of this window's own: two windows are two people here, so that one can try it alone. */
  get user() {
    return kept("cowrite.user", () => `guest-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`);
  }
}

function kept(key, make) {
  const known = sessionStorage.getItem(key);
  if (known) return known;
  const value = make();
  sessionStorage.setItem(key, value);
  return value;
}

function any(list) {
  return list[Math.floor(Math.random() * list.length)];
}
