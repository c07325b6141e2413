/** Where power distribution units have their outlets: object identifiers from their makers' MIBs. */

/** An object and the INTEGER to set. In the identifier N is the outlet, UNIT the unit that it belongs to. */
interface Order {
  readonly oid: string;
  readonly value: number;
}

/** An object and what it reads while the outlet has power, and while it has none. */
interface Reading {
  readonly oid: string;
  readonly on: readonly number[];
  readonly off: readonly number[];
}

export interface SnmpProfile {
  readonly on: Order;
  readonly off: Order;
  readonly state: Reading;
  /** The unit of an outlet that is given as N alone; absent where identifiers have none, empty where it must be given. */
  readonly unit?: string;
}

/** One object that is set and read, with the same values. */
export function sameObject(oid: string, on: number, off: number): SnmpProfile {
  return { on: { oid, value: on }, off: { oid, value: off }, state: { oid, on: [on], off: [off] } };
}

/** One object that is set, another one that is read. */
function twoObjects(control: string, on: number, off: number, state: Reading): SnmpProfile {
  return { ...sameObject(control, on, off), state };
}

const EATON = '1.3.6.1.4.1.534.6.6.7.6.6.1';
const RARITAN = '1.3.6.1.4.1.13742.6.4.1.2.1';
const CYBERPOWER = '1.3.6.1.4.1.3808.1.1.3.3';
const TRIPPLITE = '1.3.6.1.4.1.850.10.2.3.5.1';

export const PROFILES: Readonly<Record<string, SnmpProfile>> = {
  /** PowerNet-MIB: rPDUOutletControlOutletCommand, rPDUOutletStatusOutletState. */
  apc: twoObjects('1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.N', 1, 2, {
    oid: '1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.N',
    on: [1],
    off: [2],
  }),
  /** PowerNet-MIB: sPDUOutletCtl, of the older MasterSwitch. */
  'apc-masterswitch': sameObject('1.3.6.1.4.1.318.1.1.4.4.2.1.3.N', 1, 2),
  /** CPS-MIB: ePDUOutletControlOutletCommand, ePDUOutletStatusOutletState. */
  cyberpower: twoObjects(`${CYBERPOWER}.3.1.1.4.N`, 1, 2, {
    oid: `${CYBERPOWER}.5.1.1.4.N`,
    on: [1],
    off: [2],
  }),
  /** EATON-EPDU-MIB: outletControlOnCmd and outletControlOffCmd take seconds to wait; outletControlStatus, also pendingOff(2), pendingOn(3). */
  eaton: {
    on: { oid: `${EATON}.4.UNIT.N`, value: 0 },
    off: { oid: `${EATON}.3.UNIT.N`, value: 0 },
    state: { oid: `${EATON}.2.UNIT.N`, on: [1, 2], off: [0, 3] },
    unit: '0',
  },
  /** GUDEADS-...-MIB: PortState. UNIT is the product's number: 58 for the Expert Power Control 8226. */
  gude: { ...sameObject('1.3.6.1.4.1.28507.UNIT.1.3.1.2.1.3.N', 1, 0), unit: '' },
  /** POWER-ETHERNET-MIB (RFC 3621): pethPsePortAdminEnable, a board fed by a switch's port. UNIT is the group. */
  poe: { ...sameObject('1.3.6.1.2.1.105.1.1.1.3.UNIT.N', 1, 2), unit: '1' },
  /** PDU2-MIB: switchingOperation, outletSwitchingState (a SensorStateEnumeration). */
  raritan: {
    ...twoObjects(`${RARITAN}.2.UNIT.N`, 1, 0, { oid: `${RARITAN}.3.UNIT.N`, on: [7], off: [8] }),
    unit: '1',
  },
  /** TRIPPLITE-PRODUCTS-MIB: outlet state and control. */
  tripplite: {
    ...twoObjects(`${TRIPPLITE}.4.UNIT.N`, 2, 1, { oid: `${TRIPPLITE}.2.UNIT.N`, on: [2], off: [1] }),
    unit: '1',
  },
};
