import { host } from '../lang/source-text.ts';
import { ByteWriter } from './byte-writer.ts';
import { type BlockSize, ChangeLog, usualBlock } from './change-log.ts';
import { binaryDigits, ChangeFinder, rangedName, visitScopes, type WaveSignal, type WaveWriter } from './signals.ts';

/** Where the bytes of a waveform go. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
  /** Puts bytes in the place of some that were written already. */
  replace(position: number, bytes: Uint8Array): void;
  close(): void;
}

/** The numbers of FST's blocks and entries, as `fstapi.h` of GTKWave has them. */
const Block = { header: 0, geometry: 3, hierarchy: 4, hierarchyLz4: 6, changes: 8 } as const;
const Entry = { scope: 254, upscope: 255, module: 0, wire: 16, anyDirection: 0, ownHandle: 0 } as const;

/** The runtime's zlib. Where there is none (a browser), everything is stored as it is, which every reader takes. */
const zlib = host?.getBuiltinModule?.('node:zlib');

/** What `deflate` saves on fewer bytes is not worth the call. */
const LEAST_DEFLATED = 33;

/** The bytes compressed, or themselves where that is not shorter. */
function packed(bytes: Uint8Array): Uint8Array {
  if (zlib === undefined || bytes.length < LEAST_DEFLATED) return bytes;
  const result = zlib.deflateSync(bytes, { level: 4 });
  return result.length < bytes.length ? result : bytes;
}

/** An LZ4 block that holds `bytes` as they are. */
function literalLz4(bytes: Uint8Array): Uint8Array {
  const out = new ByteWriter(bytes.length + bytes.length / 255 + 16);
  out.u8(Math.min(15, bytes.length) << 4);
  if (bytes.length >= 15) {
    let rest = bytes.length - 15;
    for (; rest >= 255; rest -= 255) out.u8(255);
    out.u8(rest);
  }
  out.all(bytes);
  return out.bytes;
}

/**
 * Writes a waveform in FST, the format of GTKWave: what VCD says, in an eighth of the bytes, with blocks that a viewer reads only where it looks.
 * One time unit is one cycle. What is not yet written is in memory, some tens of megabytes at most; the file can be read as far as it is written at any time.
 */
export class FstWriter implements WaveWriter {
  private readonly sink: ByteSink;
  private readonly finder: ChangeFinder;
  private readonly log: ChangeLog;
  private readonly scopes: number;
  private readonly signals: number;
  /** The values at the beginning of the block. */
  private frame: Uint8Array;
  private begin: number | undefined;
  private blockBegin = 0;
  private now = 0;
  private blocks = 0;

  /** `signals` of one scope follow each other, a scope before the scopes inside it; their words lie in one buffer. */
  constructor(sink: ByteSink, signals: readonly WaveSignal[], block: BlockSize = usualBlock) {
    this.sink = sink;
    this.finder = new ChangeFinder(signals);
    this.log = new ChangeLog(this.finder, block);
    this.signals = signals.length;
    const { list } = this.finder;
    this.frame = new Uint8Array(list.reduce((sum, { width }) => sum + width, 0)).fill('x'.charCodeAt(0));
    const hierarchy = new ByteWriter();
    let scopes = 0;
    const known = new Set<number>();
    visitScopes(signals, {
      open: scope => {
        scopes++;
        hierarchy.u8(Entry.scope);
        hierarchy.u8(Entry.module);
        hierarchy.text(scope);
        hierarchy.text('');
      },
      close: () => hierarchy.u8(Entry.upscope),
      signal: (signal, index) => {
        const handle = this.finder.valueOf[index] ?? 0;
        hierarchy.u8(Entry.wire);
        hierarchy.u8(Entry.anyDirection);
        hierarchy.text(rangedName(signal));
        hierarchy.unsigned(signal.width);
        // Handles count from 1 in the order of their first signals, which therefore need none.
        hierarchy.unsigned(known.has(handle) ? handle + 1 : Entry.ownHandle);
        known.add(handle);
      },
    });
    this.scopes = scopes;
    sink.write(this.header());
    this.block(zlib ? Block.hierarchy : Block.hierarchyLz4, out => {
      out.u64(hierarchy.length);
      out.all(zlib ? zlib.gzipSync(hierarchy.bytes, { level: 4 }) : literalLz4(hierarchy.bytes));
    });
    const geometry = new ByteWriter();
    for (const { width } of list) geometry.unsigned(width);
    this.block(Block.geometry, out => {
      out.u64(geometry.length);
      out.u64(list.length);
      out.all(packed(geometry.bytes));
    });
  }

  sample(time: number): void {
    const { finder, log } = this;
    if (this.begin === undefined) {
      this.begin = time;
      this.blockBegin = time;
    } else if (log.full) {
      this.flush();
    }
    const count = finder.find();
    this.now = time;
    if (count > 0) log.add(time, count);
  }

  close(time: number): void {
    try {
      this.sample(time);
      this.log.at(time);
      this.flush();
    } finally {
      this.sink.close();
    }
  }

  /** Writes a block whose content `write` gives. */
  private block(type: number, write: (out: ByteWriter) => void): void {
    const content = new ByteWriter(1 << 12);
    write(content);
    const head = new ByteWriter(9);
    head.u8(type);
    head.u64(content.length + 8);
    this.sink.write(head.bytes);
    this.sink.write(content.bytes);
  }

  private header(): Uint8Array {
    const { finder, scopes, signals, begin = 0, now, blocks } = this;
    const out = new ByteWriter(330);
    out.u8(Block.header);
    out.u64(329);
    out.u64(begin);
    out.u64(now);
    // By this number a reader sees the order of bytes.
    out.f64(Math.E);
    out.u64(1 << 25);
    for (const count of [scopes, signals, finder.list.length, blocks]) out.u64(count);
    // Nanoseconds.
    out.u8(256 - 9);
    out.field('ts-hdl', 128);
    out.field('', 119);
    // Made from Verilog; time begins at 0.
    out.u8(0);
    out.u64(0);
    return out.bytes;
  }

  /** Writes what the log holds as a block, and has the header know of it. */
  private flush(): void {
    const { finder, log, frame } = this;
    const values = finder.list.length;
    this.block(Block.changes, out => {
      out.u64(this.blockBegin);
      out.u64(this.now);
      out.u64(log.bound);
      const initial = packed(frame);
      for (const count of [frame.length, initial.length, values]) out.unsigned(count);
      out.all(initial);
      out.unsigned(values);
      const chains = out.length;
      out.u8('Z'.charCodeAt(0));
      const index = new ByteWriter();
      let before = 0;
      let unchanged = 0;
      log.chains(chain => {
        if (chain.length === 0) {
          unchanged++;
          return;
        }
        if (unchanged > 0) index.unsigned(2 * unchanged);
        unchanged = 0;
        const offset = out.length - chains;
        index.signed(2 * (offset - before) + 1);
        before = offset;
        const small = packed(chain);
        out.unsigned(small === chain ? 0 : chain.length);
        out.all(small);
      });
      if (unchanged > 0) index.unsigned(2 * unchanged);
      out.all(index.bytes);
      out.u64(index.length);
      const { times } = log;
      const smallTimes = packed(times.bytes);
      out.all(smallTimes);
      for (const count of [times.length, smallTimes.length, log.count]) out.u64(count);
    });
    this.blocks++;
    this.sink.replace(0, this.header());
    this.frame = Uint8Array.from(finder.list.map(value => binaryDigits(finder, value).slice(-value.width)).join(''), digit =>
      digit.charCodeAt(0),
    );
    this.blockBegin = this.now;
    log.clear();
    log.at(this.now);
  }
}
