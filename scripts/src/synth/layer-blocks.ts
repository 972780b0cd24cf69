import { FcUpdate, LinkReceiver, LinkTransmitter, PartnerState, TlpHeader } from '@hdl/pcie-rtl';
import { connect, input, Module, output, stream, uint, vec } from '@hdl/ts-hdl';
// Inner blocks of the endpoint and the switch, which the package does not export.
import { at } from '../../../rtl/src/at.ts';
import { ConfigSpaces } from '../../../rtl/src/config/config-spaces.ts';
import { ErrorReport } from '../../../rtl/src/config/error-report.ts';
import { functionControls } from '../../../rtl/src/config/function-controls.ts';
import type { FunctionParams } from '../../../rtl/src/config/function-params.ts';
import { DmaChannel } from '../../../rtl/src/endpoint/dma/dma-channel.ts';
import { DmaEngine } from '../../../rtl/src/endpoint/dma/dma-engine.ts';
import { LocalCopy } from '../../../rtl/src/endpoint/dma/local-copy.ts';
import { ReadDma } from '../../../rtl/src/endpoint/dma/read-dma.ts';
import { WriteDma } from '../../../rtl/src/endpoint/dma/write-dma.ts';
import { memoryWrite } from '../../../rtl/src/endpoint/interfaces.ts';
import type { FunctionMap } from '../../../rtl/src/endpoint/receive/address-decoder.ts';
import { BarMemory } from '../../../rtl/src/endpoint/receive/bar-memory.ts';
import { Completer } from '../../../rtl/src/endpoint/receive/completer.ts';
import { PostedRouter } from '../../../rtl/src/endpoint/receive/posted-router.ts';
import { PostedWriter } from '../../../rtl/src/endpoint/receive/posted-writer.ts';
import { ReceiveSide } from '../../../rtl/src/endpoint/receive/receive-side.ts';
import { RequestRouter } from '../../../rtl/src/endpoint/receive/request-router.ts';
import { TlpChecker } from '../../../rtl/src/endpoint/receive/tlp-checker.ts';
import { Doorbells } from '../../../rtl/src/endpoint/registers/doorbells.ts';
import { Msix } from '../../../rtl/src/endpoint/registers/msix.ts';
import { TransactionLayer } from '../../../rtl/src/endpoint/transaction-layer.ts';
import { Crossbar } from '../../../rtl/src/switch/crossbar.ts';
import { type Block, beat, width } from './block.ts';

const memory_bytes = 65_536;
const register_bytes = 16_384;
const address_width = Math.log2((memory_bytes * 8) / width);
const bars = 2;
/** A function with registers and p2p memory. */
const config: FunctionParams = {
  vendor_id: 0x1d1d,
  device_id: 0xe000,
  class_code: 0x01_08_02,
  max_payload: 512,
  bars: [
    { slot: 0, bytes: register_bytes, width: 32, prefetchable: false },
    { slot: 2, bytes: memory_bytes, width: 64, prefetchable: true },
  ],
};
const map: FunctionMap = [
  { to: 'registers', base: 0, bytes: register_bytes },
  { to: 'memory', base: 0, bytes: memory_bytes },
];
const maps = [map];
const credits = { posted: { headers: 32, data: 128 }, non_posted: { headers: 32, data: 32 }, completion: 'infinite' } as const;
const requester = { width, address_width, functions: 1, bars, cycles_per_microsecond: 250 };
const reads = { ...requester, tags: 64, buffer_bytes: 32_768, max_read_request: 512, max_payload: 512 };
const regions = [{ function: 0, bar: 1, base: 0 }];

/** The link's receiver, what is behind it, and the memory: paths from one of them to another are timed here alone. */
class ReceivePath extends Module {
  private readonly receiver = new LinkReceiver({ width, credits });
  private readonly side = new ReceiveSide({ width, address_width, maps, bars });
  readonly tlp = input(stream(beat));
  readonly partner = input(PartnerState);
  readonly controls = input(vec(1, functionControls(bars)));
  readonly retry = input(uint(1));
  readonly fc = output(stream(FcUpdate));
  readonly overflow = output(stream(TlpHeader));
  readonly requester = output(stream(beat));
  readonly tx = output(stream(beat));
  readonly error = output(stream(ErrorReport));
  readonly config_read_data = input(uint(32));
  /** What others do with the memory. */
  readonly write = input(vec(3, stream(memoryWrite(width, address_width))));
  readonly read = input(vec(3, stream(uint(address_width))));
  readonly data = output(vec(3, stream(uint(width))));
  private readonly memory = new BarMemory({ width, bytes: memory_bytes, writers: 3, readers: 3 });

  protected override logic() {
    const { receiver, side, memory } = this;
    connect(receiver, { tlp: this.tlp, partner: this.partner });
    connect(side, {
      posted: receiver.posted,
      non_posted: receiver.non_posted,
      completion: receiver.completion,
      controls: this.controls,
      retry: this.retry,
      link_data: memory.link_data,
      atomic_result: memory.atomic_result,
      config_read_data: this.config_read_data,
      register_data: 0,
    });
    side.register_write.ready.set(1);
    connect(memory, {
      link_write: side.link_write,
      link_read: side.link_read,
      atomic: side.atomic,
      write: this.write,
      read: this.read,
    });
    this.fc.from(receiver.fc);
    this.overflow.from(receiver.overflow);
    this.requester.from(side.requester);
    this.tx.from(side.tx);
    this.error.from(side.error);
    this.data.forEach((data, i) => {
      data.from(at(memory.data, i));
    });
  }
}

/** The blocks of an endpoint's transaction layer, and what is made of them: one function with registers and 64 KiB of memory. */
export const layerBlocks: readonly Block[] = [
  {
    name: 'link-receiver',
    what: 'LinkReceiver, 32 posted and 32 non-posted headers, 2 KiB of posted data, infinite completions',
    create: () => new LinkReceiver({ width, credits }),
  },
  { name: 'link-transmitter', what: 'LinkTransmitter, 16 beats for each class', create: () => new LinkTransmitter({ width }) },
  {
    name: 'receive-checker',
    what: 'TlpChecker of non-posted requests',
    create: () => new TlpChecker({ width, of: 'non-posted' }),
  },
  { name: 'receive-posted-router', what: 'PostedRouter, 2 BARs', create: () => new PostedRouter({ width, maps, bars }) },
  {
    name: 'receive-request-router',
    what: 'RequestRouter, 2 BARs',
    create: () => new RequestRouter({ width, maps, bars, register_dws: 2, ari: false, atomics: [true] }),
  },
  {
    name: 'receive-writer',
    what: 'PostedWriter to windows of the memory',
    create: () => new PostedWriter({ width, address_width }),
  },
  {
    name: 'receive-completer',
    what: 'Completer with AtomicOps',
    create: () => new Completer({ width, address_width, functions: 1 }),
  },
  { name: 'receive-side', what: 'ReceiveSide, 2 BARs', create: () => new ReceiveSide({ width, address_width, maps, bars }) },
  { name: 'receive-path', what: 'LinkReceiver, ReceiveSide and BarMemory together', create: () => new ReceivePath() },
  {
    name: 'receive-memory',
    what: 'BarMemory of 64 KiB with windows and AtomicOps, 3 writers and 3 readers beside the link',
    create: () => new BarMemory({ width, bytes: memory_bytes, writers: 3, readers: 3 }),
  },
  { name: 'dma-write', what: 'WriteDma, MPS 512', create: () => new WriteDma({ ...requester, max_payload: 512 }) },
  { name: 'dma-read', what: 'ReadDma, 64 tags, MRRS 512, 32 KiB of reorder buffer', create: () => new ReadDma(reads) },
  {
    name: 'dma-read-256',
    what: 'the same with 256 tags',
    create: () => new ReadDma({ ...reads, tags: 256 }),
  },
  { name: 'dma-copy', what: 'LocalCopy', create: () => new LocalCopy(requester) },
  { name: 'dma-channel', what: 'DmaChannel', create: () => new DmaChannel({ ...requester, regions }) },
  {
    name: 'dma-engine',
    what: 'DmaEngine: DmaChannel, WriteDma, ReadDma of 64 tags, LocalCopy and more together',
    create: () => new DmaEngine({ ...reads, regions }),
  },
  { name: 'config-spaces', what: 'ConfigSpaces of 1 function', create: () => new ConfigSpaces({ width, functions: [config] }) },
  { name: 'msix-32', what: 'Msix, 32 vectors', create: () => new Msix({ width, vectors: 32 }) },
  { name: 'doorbells', what: 'Doorbells, 64 of them', create: () => new Doorbells({ count: 64, stride: 8 }) },
  {
    name: 'crossbar-4',
    what: 'Crossbar, 4 ports of 64 beats',
    layout: 'static',
    create: () => new Crossbar({ width, ports: 4, slots: 64 }),
  },
  {
    name: 'transaction-layer',
    what: 'TransactionLayer: link end, receive side, memory, configuration and DMA of an endpoint with 1 function',
    layout: 'router2',
    create: () => new TransactionLayer({ ...reads, memory_bytes, credits, functions: [{ config, map }] }),
  },
];
