// What many samples come to.

/** The value below which this share of all lies; 0 if there is none. */
export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.round((sorted.length - 1) * share)] ?? 0;
}

/** The middle one of some rounds, and how far they lie apart. */
export function spread(values) {
  return { median: percentile(values, 0.5), low: Math.min(...values), high: Math.max(...values), values };
}
