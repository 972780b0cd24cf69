import {
  blockFunction,
  type DescribedFunction,
  type EndpointParams,
  endpointOf,
  memoryFunction,
  nicFunction,
  nvmeFunction,
} from '../endpoint/endpoint-params.ts';
import type { EndpointSettings, FunctionDescription } from './topology.ts';

/** The endpoint that a topology describes, for beats of `width` bits: function 0 is a block device. */
export function endpointParams(settings: EndpointSettings, width: number): EndpointParams {
  const { vendor_id, device_id, class_code, memory_bytes, max_payload, tags, functions, credits } = settings;
  const first = blockFunction({ vendor_id, device_id, class_code, memory_bytes, max_payload });
  const others = functions.map((each, i) => further(each, settings, device_id + i + 1));
  return endpointOf([first, ...others], { width, tags, ...(credits && { credits }) });
}

function further(of: FunctionDescription, { vendor_id, max_payload }: EndpointSettings, number: number): DescribedFunction {
  const { kind, device_id = number, memory_bytes = 0 } = of;
  const common = { vendor_id, device_id, max_payload, memory_bytes };
  if (kind === 'nvme') return nvmeFunction(common);
  if (kind === 'nic') return nicFunction(common);
  if (kind === 'memory') return memoryFunction(common);
  return blockFunction(common);
}
