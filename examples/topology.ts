/** A topology of one's own: `npm run copy -- --topology examples/topology.ts` and `npx p2p emit --topology examples/topology.ts --out DIR`. */
import { topology } from '@hdl/pcie-rtl';

export default topology({
  switches: [{ name: 'switch0', parent: 'root' }],
  endpoints: [
    { name: 'drive0', parent: 'switch0', memory_bytes: 4 * 1024 * 1024 },
    { name: 'drive1', parent: 'switch0', memory_bytes: 1024 * 1024 },
  ],
});
