/**
 * Strongly connected components of the graph 0 .. `size - 1` (Tarjan), each after all components that it points to. `successors` lists
 * where a node points to. Without recursion, so depth is no limit.
 */
export function components(size: number, successors: (node: number) => readonly number[]): number[][] {
  const index = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const onStack = new Uint8Array(size);
  const stack: number[] = [];
  const result: number[][] = [];
  let next = 0;
  const enter = (node: number) => {
    index[node] = low[node] = next++;
    stack.push(node);
    onStack[node] = 1;
    return { node, edges: successors(node), position: 0 };
  };
  const at = (array: Int32Array, node: number) => array[node] ?? 0;

  for (let start = 0; start < size; start++) {
    if (at(index, start) >= 0) continue;
    const frames = [enter(start)];
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      const { node } = frame;
      const to = frame.edges[frame.position++];
      if (to !== undefined) {
        if (at(index, to) < 0) frames.push(enter(to));
        else if (onStack[to] === 1) low[node] = Math.min(at(low, node), at(index, to));
        continue;
      }
      frames.pop();
      const parent = frames.at(-1);
      if (parent) low[parent.node] = Math.min(at(low, parent.node), at(low, node));
      if (at(low, node) !== at(index, node)) continue;
      const component = stack.splice(stack.lastIndexOf(node));
      for (const member of component) onStack[member] = 0;
      result.push(component);
    }
  }
  return result;
}
