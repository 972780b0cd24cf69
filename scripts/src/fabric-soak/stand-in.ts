import { FcUpdate, FirmwareRequest, tlpBeat } from '@hdl/pcie-rtl';
import { bool, input, Module, output, type Stream, stream, type UIntType, uint } from '@hdl/ts-hdl';

/** What has the ports of an endpoint of a `Fabric`: its link is used, those of the firmware and the media do nothing. */
export abstract class StandIn<P extends { readonly width: number }> extends Module<P> {
  protected readonly beat = tlpBeat(this.p.width);
  readonly rx = input(stream(this.beat));
  readonly rx_fc = input(stream(FcUpdate));
  readonly tx = output(stream(this.beat));
  readonly tx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  readonly media_in = input(stream(uint(this.p.width) as UIntType<number>));
  readonly media_out = output(stream(uint(this.p.width) as UIntType<number>));

  protected override logic() {
    this.firmware_request.ready.set(1);
    this.firmware_response.valid.set(0);
    this.firmware_response.put(0);
    this.firmware_interrupt.set(0);
    this.media_in.ready.set(1);
    this.media_out.valid.set(0);
    this.media_out.put(0);
  }
}

/** Streams that exist only because endpoints have them: nothing comes by `requests` and `media`, and nobody takes from `unread`. */
export interface QuietStreams {
  readonly requests: readonly Stream<typeof FirmwareRequest>[];
  readonly media: readonly Stream<UIntType<number>>[];
  readonly unread: readonly Stream<UIntType<number>>[];
}

export function keepQuiet({ requests, media, unread }: QuietStreams): void {
  for (const request of requests) {
    request.valid.set(0);
    request.put({ write: 0, address: 0, data: 0 });
  }
  for (const words of media) {
    words.valid.set(0);
    words.put(0);
  }
  for (const words of unread) words.ready.set(0);
}
