// A long text to try things on. It means nothing, but it has the shape of prose:
// chapters, paragraphs and dialogue, some of it beyond ASCII. Always the same text.

const people = ["Marta", "the ferryman", "Old Ilse", "Benoît", "the surveyor", "Captain Ruiz", "Noor", "the lighthouse keeper", "Professor Ødegård", "the twins"];
const places = ["the harbour", "the salt road", "the café at the corner", "the north pier", "the archive", "the dry canal", "the observatory", "the market hall", "the last station"];
const things = ["a lantern", "the brass key", "an unsent letter", "the ledger", "a map without names", "the second bell", "a coil of rope", "a jar of blue ink", "the broken clock", "an umbrella"];
const acts = ["carried", "hid", "traded", "polished", "forgot", "repaired", "drew", "counted", "weighed", "returned"];
const manners = ["slowly", "without a word", "as if it mattered", "twice", "before dawn", "with great care", "against all advice", "for the third time"];
const weathers = ["The fog came in", "Rain ran down the panes", "The wind turned", "Snow lay on the roofs", "The tide went out", "Gulls cried over the water"];
const sayings = ["“You might have asked.”", "“It was never locked,”", "“Nobody counts the steps twice.”", "“C’est la même chose.”", "“We have until the tide.”", "“שלום, old friend,”", "“Keep the change – all of it.”", "“Not in this weather 🌧.”"];
const asides = ["which surprised no one", "and that was that", "though the map said otherwise", "as the naïve often do", "or so it was told", "in a voice like gravel"];

/** Prose of at least so many UTF-16 code units, ending with a whole paragraph. */
export function writeText(units) {
  const chance = generator(20_261_121);
  const any = (list) => list[Math.floor(chance() * list.length)];
  const sentences = [
    () => `${capital(any(people))} ${any(acts)} ${any(things)} ${any(manners)}.`,
    () => `${any(weathers)}, and ${any(people)} went to ${any(places)}.`,
    () => `At ${any(places)} ${any(people)} ${any(acts)} ${any(things)}, ${any(asides)}.`,
    () => `${any(sayings)} said ${any(people)}, and ${any(acts)} ${any(things)}.`,
    () => `Between ${any(places)} and ${any(places)} there was nothing but time, ${any(asides)}.`,
  ];
  const chapters = [];
  let length = 0;
  while (length < units) {
    const parts = [`Chapter ${chapters.length + 1}: ${capital(any(things))}`];
    for (let paragraph = 0; paragraph < 12; paragraph += 1) {
      const count = 3 + Math.floor(chance() * 5);
      parts.push(Array.from({ length: count }, () => any(sentences)()).join(" "));
    }
    const chapter = parts.join("\n\n");
    chapters.push(chapter);
    length += chapter.length + 4;
  }
  return chapters.join("\n\n\n\n") + "\n";
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/** Numbers from 0 to 1 that are the same on every run (a linear congruence modulo 2^32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
