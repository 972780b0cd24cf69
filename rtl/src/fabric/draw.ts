import { sizeText } from './size-text.ts';
import type { Topology } from './topology.ts';

/** Fabrics as people see them: as text, and as a picture. */

/** What hangs at one place: its name, what it is, and what is below. */
interface Drawn {
  readonly name: string;
  readonly what: string;
  readonly below: readonly Drawn[];
}

const memoryText = (bytes = 0) => (bytes === 0 ? '' : `, ${sizeText(BigInt(bytes))}`);

/** The trees below the root ports. */
function drawn({ roots, switches, endpoints }: Topology): Drawn[] {
  const below = (name: string): Drawn => {
    const found = switches.find(each => each.name === name);
    if (found) return { name, what: `switch, ${found.children.length} ports`, below: found.children.map(below) };
    const params = endpoints.find(each => each.name === name)?.params;
    const functions = params ? [{ kind: params.kind, memory_bytes: params.memory_bytes }, ...params.functions] : [];
    const what = functions.map(({ kind, memory_bytes }) => `${kind}${memoryText(memory_bytes)}`).join('; ');
    return { name, what, below: [] };
  };
  return roots.map(({ name, top }) => ({ name, what: 'root port', below: [below(top)] }));
}

/** A fabric as text: a line per root port, switch and endpoint, below what it hangs below. */
export function drawTopology(topology: Topology): string {
  const lines = ({ name, what, below }: Drawn): string[] => {
    const inner = below.flatMap((child, i) => {
      const last = i === below.length - 1;
      return lines(child).map((line, j) => (j === 0 ? (last ? '└─ ' : '├─ ') : last ? '   ' : '│  ') + line);
    });
    return [`${name} (${what})`, ...inner];
  };
  return drawn(topology).flatMap(lines).join('\n');
}

/** Sizes of the picture, in its own units. */
const box = { width: 168, height: 44, gapX: 24, gapY: 40, margin: 12 } as const;

/** A box at its place: `x` is its middle, `y` its upper edge. */
interface Placed extends Omit<Drawn, 'below'> {
  readonly x: number;
  readonly y: number;
  readonly below: readonly Placed[];
}

/**
 * The same as a picture, an SVG file: root ports at the top, each device below what it hangs below, a line for each link. Made by hand because it is rectangles and lines; names
 * are letters, digits and underscores, so nothing has to be escaped.
 */
export function topologySvg(topology: Topology): string {
  let columns = 0;
  let depth = 0;
  const place = ({ name, what, below }: Drawn, level: number): Placed => {
    depth = Math.max(depth, level);
    const placed = below.map(child => place(child, level + 1));
    const [first, last] = [placed[0], placed.at(-1)];
    const leaf = () => box.margin + box.width / 2 + columns++ * (box.width + box.gapX);
    const x = first && last ? (first.x + last.x) / 2 : leaf();
    return { name, what, x, y: box.margin + level * (box.height + box.gapY), below: placed };
  };
  const roots = drawn(topology).map(root => place(root, 0));
  const marks = (of: Placed): string[] => [
    ...of.below.flatMap(child => [
      `  <path d="M${of.x} ${of.y + box.height} V${child.y - box.gapY / 2} H${child.x} V${child.y}" />`,
      ...marks(child),
    ]),
    `  <rect x="${of.x - box.width / 2}" y="${of.y}" width="${box.width}" height="${box.height}" rx="4" />`,
    `  <text x="${of.x}" y="${of.y + 18}" class="name">${of.name}</text>`,
    `  <text x="${of.x}" y="${of.y + 34}">${of.what}</text>`,
  ];
  const width = 2 * box.margin + columns * (box.width + box.gapX) - box.gapX;
  const height = 2 * box.margin + (depth + 1) * (box.height + box.gapY) - box.gapY;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    '  <style>rect, path { fill: none; stroke: currentColor } text { font: 12px sans-serif; text-anchor: middle } .name { font-weight: bold }</style>',
    ...roots.flatMap(marks),
    '</svg>',
    '',
  ].join('\n');
}
