/** What stands between the quotes of a Verilog string, as UTF-8; with `format` as text that `$display` prints as it is. */
export function quoted(text: string, format = false): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, byte => character(byte, format)).join('');
}

function character(byte: number, format: boolean): string {
  const plain = String.fromCharCode(byte);
  if (plain === '\n') return '\\n';
  if (plain === '\t') return '\\t';
  if (plain === '"' || plain === '\\') return `\\${plain}`;
  if (plain === '%' && format) return '%%';
  return byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : plain;
}
