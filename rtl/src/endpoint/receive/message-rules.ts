import { allOf, anyOf, type Bool, type UInt } from '@hdl/ts-hdl';
import { type Header, hasData, isMessage, MessageRoute } from '../../tlp/tlp.ts';

/** What an endpoint does with a message: `taken` ones tell something to other blocks, `ignored` ones are dropped without a word. */
export type MessageUse = 'taken' | 'ignored' | 'unsupported';

export interface MessageRule {
  readonly name: string;
  readonly codes: readonly number[];
  /** Routes that are allowed. */
  readonly routes: readonly number[];
  /** DW of payload; undefined: not checked. */
  readonly payload: number | undefined;
  /** Whether a traffic class other than 0 is allowed. */
  readonly any_class: boolean;
  readonly use: MessageUse;
}

const { toRootComplex, byId, broadcast, local, gather } = MessageRoute;
const plain = { payload: 0, any_class: false } as const;

/**
 * Messages by code (2.2.8, rule C15). A listed message with another route, payload or traffic class is malformed; a code that is not listed is an
 * Unsupported Request, as are messages that only go towards the root complex and those of features that this endpoint does not have.
 *
 * | message | route | use |
 * |---|---|---|
 * | Unlock | broadcast | ignored: there are no locked requests |
 * | PM_Active_State_Nak, hot-plug indicators and button | local | ignored |
 * | PME_Turn_Off | broadcast | taken: `pme_turn_off` |
 * | Set_Slot_Power_Limit, 1 DW | local | taken: `slot_power` |
 * | Vendor_Defined Type 1 | RC, ID, broadcast, local | ignored |
 * | Vendor_Defined Type 0 | RC, ID, broadcast, local | unsupported |
 * | PM_PME, ERR_COR, ERR_NONFATAL, ERR_FATAL, PTM, LTR, OBFF, INTx, PME_TO_Ack, translation services | as specified | unsupported |
 */
export const messageRules: readonly MessageRule[] = [
  { ...plain, name: 'Unlock', codes: [0x00], routes: [broadcast], use: 'ignored' },
  { name: 'Invalidate Request', codes: [0x01], routes: [byId], payload: 2, any_class: true, use: 'unsupported' },
  {
    ...plain,
    name: 'Invalidate Completion, PRG Response',
    codes: [0x02, 0x05],
    routes: [byId],
    any_class: true,
    use: 'unsupported',
  },
  { ...plain, name: 'Page Request', codes: [0x04], routes: [toRootComplex], any_class: true, use: 'unsupported' },
  { ...plain, name: 'LTR, OBFF, PTM Request', codes: [0x10, 0x12, 0x52], routes: [local], use: 'unsupported' },
  { ...plain, name: 'PTM Response', codes: [0x53], routes: [local], payload: undefined, use: 'unsupported' },
  { ...plain, name: 'PM_Active_State_Nak', codes: [0x14], routes: [local], use: 'ignored' },
  { ...plain, name: 'PM_PME', codes: [0x18], routes: [toRootComplex], use: 'unsupported' },
  { ...plain, name: 'PME_Turn_Off', codes: [0x19], routes: [broadcast], use: 'taken' },
  { ...plain, name: 'PME_TO_Ack', codes: [0x1b], routes: [gather], use: 'unsupported' },
  {
    ...plain,
    name: 'Assert_INTx, Deassert_INTx',
    codes: [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27],
    routes: [local],
    use: 'unsupported',
  },
  { ...plain, name: 'ERR_*', codes: [0x30, 0x31, 0x33], routes: [toRootComplex], use: 'unsupported' },
  { ...plain, name: 'hot-plug', codes: [0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48], routes: [local], use: 'ignored' },
  { ...plain, name: 'Set_Slot_Power_Limit', codes: [0x50], routes: [local], payload: 1, use: 'taken' },
  {
    name: 'Vendor_Defined Type 0',
    codes: [0x7e],
    routes: [toRootComplex, byId, broadcast, local],
    payload: undefined,
    any_class: true,
    use: 'unsupported',
  },
  {
    name: 'Vendor_Defined Type 1',
    codes: [0x7f],
    routes: [toRootComplex, byId, broadcast, local],
    payload: undefined,
    any_class: true,
    use: 'ignored',
  },
];

const codeOf = (h: Header): UInt<8> => h.last_be.cat(h.first_be);

/** 1 if a message has one of these codes. */
export const hasCode = (h: Header, codes: readonly number[]): Bool => anyOf(codes.map(code => codeOf(h).eq(code)));

/** A message that its rule does not allow as it is. */
export function malformedMessage(h: Header): Bool {
  const faults = messageRules.map(({ codes, routes, payload, any_class }) => {
    const route = anyOf(routes.map(value => h.type.part(0, 3).eq(value))).not();
    const size = payload === undefined ? [] : [payload === 0 ? hasData(h) : hasData(h).not().or(h.length.ne(payload))];
    return hasCode(h, codes).and(anyOf([route, ...size, ...(any_class ? [] : [h.tc.any()])]));
  });
  return allOf([isMessage(h), anyOf(faults)]);
}

/** Messages that are no error, by their use. */
export const supportedMessage = (h: Header): Bool =>
  hasCode(
    h,
    messageRules.flatMap(({ codes, use }) => (use === 'unsupported' ? [] : codes)),
  );
