import { Endpoint, type EndpointParams, FcUpdate, FirmwareRequest, Switch, type SwitchParams, tlpBeat } from '@hdl/pcie-rtl';
import { bool, connect, input, Module, output, stream, uint, vec, wire } from '@hdl/ts-hdl';

/**
 * A switch with an endpoint below its last port. All other links are open, so that models of devices and of a root complex can be joined to them: `upstream_…`
 * leads up, `downstream_…` are the ports before the last. The media streams of the endpoint are closed. No logic of its own.
 */
export class OpenFabric extends Module<{ readonly switch: SwitchParams; readonly endpoint: EndpointParams }> {
  private readonly beat = tlpBeat(this.p.switch.width);
  private readonly open = this.p.switch.ports - 1;
  readonly upstream_rx = input(stream(this.beat));
  readonly upstream_rx_fc = input(stream(FcUpdate));
  readonly upstream_tx = output(stream(this.beat));
  readonly upstream_tx_fc = output(stream(FcUpdate));
  readonly downstream_rx = input(vec(this.open, stream(this.beat)));
  readonly downstream_rx_fc = input(vec(this.open, stream(FcUpdate)));
  readonly downstream_tx = output(vec(this.open, stream(this.beat)));
  readonly downstream_tx_fc = output(vec(this.open, stream(FcUpdate)));
  readonly hot_reset = input(bool);
  readonly link_up = input(vec(this.open, bool));
  readonly downstream_hot_reset = output(vec(this.open, bool));
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  private readonly switch0 = new Switch(this.p.switch);
  private readonly endpoint0 = new Endpoint(this.p.endpoint);

  private readonly no_media = wire(stream(uint(this.p.switch.width)));

  protected override logic() {
    const { switch0, endpoint0, open } = this;
    const reset = at(switch0.downstream_hot_reset, open);
    connect(switch0, {
      upstream_rx: this.upstream_rx,
      upstream_rx_fc: this.upstream_rx_fc,
      downstream_rx: [...this.downstream_rx, endpoint0.tx],
      downstream_rx_fc: [...this.downstream_rx_fc, endpoint0.tx_fc],
      hot_reset: this.hot_reset,
      link_up: [...this.link_up, reset.not()],
    });
    this.upstream_tx.from(switch0.upstream_tx);
    this.upstream_tx_fc.from(switch0.upstream_tx_fc);
    for (let i = 0; i < open; i++) {
      at(this.downstream_tx, i).from(at(switch0.downstream_tx, i));
      at(this.downstream_tx_fc, i).from(at(switch0.downstream_tx_fc, i));
      at(this.downstream_hot_reset, i).set(at(switch0.downstream_hot_reset, i));
    }
    this.no_media.valid.set(0);
    this.no_media.put(0);
    connect(endpoint0, {
      rx: at(switch0.downstream_tx, open),
      rx_fc: at(switch0.downstream_tx_fc, open),
      hot_reset: reset,
      firmware_request: this.firmware_request,
      media_in: this.no_media,
    });
    endpoint0.media_out.ready.set(1);
    this.firmware_response.from(endpoint0.firmware_response);
    this.firmware_interrupt.set(endpoint0.firmware_interrupt);
  }
}

function at<T>(list: readonly T[], i: number): T {
  const found = list[i];
  if (found === undefined) throw new RangeError(`there is no port ${i}`);
  return found;
}
