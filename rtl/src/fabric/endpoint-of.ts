import {
  blockFunction,
  type DescribedFunction,
  type EndpointParams,
  endpointOf,
  gpuFunction,
  memoryFunction,
  nicFunction,
  nvmeFunction,
} from '../endpoint/endpoint-params.ts';
import type { EndpointSettings, FunctionDescription } from './topology.ts';

/** The endpoint that a topology describes, for beats of `width` bits. */
export function endpointParams(settings: EndpointSettings, width: number): EndpointParams {
  const { kind, class_code, queues, device_id, memory_bytes, tags, functions, credits } = settings;
  const first = { kind, device_id, memory_bytes, ...(class_code !== undefined && { class_code }), ...(queues && { queues }) };
  const described = [first, ...functions].map((each, i) => functionOf(each, settings, device_id + i));
  return endpointOf(described, { width, tags, ...(credits && { credits }) });
}

function functionOf(
  of: FunctionDescription & Pick<EndpointSettings, 'class_code' | 'queues'>,
  { vendor_id, max_payload }: EndpointSettings,
  number: number,
): DescribedFunction {
  const { kind, device_id = number, memory_bytes = 0, ...more } = of;
  const common = { vendor_id, device_id, max_payload, memory_bytes, ...more };
  if (kind === 'nvme') return nvmeFunction(common);
  if (kind === 'nic') return nicFunction(common);
  if (kind === 'gpu') return gpuFunction(common);
  if (kind === 'memory') return memoryFunction(common);
  return blockFunction(common);
}
