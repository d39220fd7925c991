// How a figure grows with what it is measured at.

/** The straight line through `[size, value]` that is least far from all: what is there at size 0, and what each adds. */
export function line(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([size]) => size), mean(([, value]) => value)];
  const each = mean(([size, value]) => (size - x) * (value - y)) / mean(([size]) => (size - x) ** 2);
  return { fixed: y - each * x, each };
}

/** By which power of the size the values grow: 0 not at all, 1 as it does. `null` if one is not above 0. */
export function exponent(points) {
  if (points.some(([size, value]) => !(size > 0 && value > 0))) return null;
  return line(points.map(([size, value]) => [Math.log(size), Math.log(value)])).each;
}

/** Three digits, and no power of ten. */
const rounded = (value) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));

/** A figure with one row a size, and how it grows. `measured` is what was measured at each size. */
export function growing({ id, title, unit, better = "less", digits = 2, of, ones, value, name = "cowrite", note }, sizes, measured) {
  const points = sizes.map((size, index) => [size, value(measured[index], size)]);
  const { fixed, each } = line(points);
  const power = exponent(points);
  const growth = `${power === null ? "" : `size^${power.toFixed(2)}; `}${rounded(each)} ${unit} ${ones}, ${rounded(fixed)} by itself`;
  const rows = points.map(([size, median]) => ({
    name, title: `${size.toLocaleString("en")} ${of}`, note: size === sizes.at(-1) ? `${growth}${note ? `; ${note}` : ""}` : undefined,
    median, low: median, high: median, values: [median], ratio: points[0][1] > 0 ? median / points[0][1] : undefined,
  }));
  return { id, title, unit, better, digits, rows, growth, fit: { of, points, exponent: power, each, fixed } };
}
