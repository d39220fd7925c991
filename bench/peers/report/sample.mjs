// What many samples come to.

/** The value below which this share of all lies; 0 if there is none. */
export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.round((sorted.length - 1) * share)] ?? 0;
}

/** The middle of some rounds, and how far they lie apart. */
export function spread(values) {
  const sorted = Float64Array.from(values).sort();
  const half = (sorted.length - 1) / 2;
  return { median: (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2, low: Math.min(...values), high: Math.max(...values), values };
}
