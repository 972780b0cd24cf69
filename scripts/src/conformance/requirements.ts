/** What somebody asked for in the mails that this project comes from: M0 to M4, numbered within each. */
export interface Requirement {
  readonly number: string;
  /** In a line, in our words. */
  readonly text: string;
}

/** All of them, by mail and number. Tests name them at the start of their titles: `M1-5: …`. */
export const requirements = [
  // M0: memory for peers as a device, from a page to its device, the bus offset
  {
    number: 'M0-1',
    text: 'From a page of peers’ memory to the device that provides it',
  },
  { number: 'M0-2', text: 'No flag in the page: its pagemap tells what it is' },
  { number: 'M0-3', text: 'The pagemap’s kind is looked at before anything special is done' },
  {
    number: 'M0-4',
    text: 'Mapping applies the bus offset',
  },
  { number: 'M0-5', text: 'A platform may do more than that when it maps' },
  {
    number: 'M0-6',
    text: 'A device of its own for the memory, or state of the function: both work',
  },
  { number: 'M0-7', text: 'As a device it is a child of the PCI function and goes before it' },
  { number: 'M0-8', text: 'Distances follow from where it hangs in the tree' },
  { number: 'M0-9', text: 'A page object for every 4 KiB, which lives as long as somebody holds it' },
  { number: 'M0-10', text: 'The way from page to device is short' },
  { number: 'M0-11', text: 'A provider is not the function: one function may have several pagemaps' },
  { number: 'M0-12', text: 'A drive that also provides memory' },
  {
    number: 'M0-13',
    text: 'A network card that also provides memory',
  },
  { number: 'M0-14', text: 'A card that only provides memory' },
  { number: 'M0-15', text: 'Any driver says which part of which BAR is memory for peers' },
  { number: 'M0-16', text: 'The purpose is to copy from device to device' },
  // M1: helpers, private memory, buffers that move, users, orchestration
  { number: 'M1-1', text: 'A driver may have private memory and peers’ memory at once' },
  { number: 'M1-2', text: 'What all of them need is in one library' },
  { number: 'M1-3', text: 'Pools and exported buffers do without each other' },
  {
    number: 'M1-4',
    text: 'A buffer may move to other memory while others know it',
  },
  { number: 'M1-5', text: 'Memory stays while a transfer uses it' },
  {
    number: 'M1-6',
    text: 'Pool memory keeps its address until its driver goes',
  },
  { number: 'M1-7', text: 'Files for people show it all, and nothing needs them' },
  {
    number: 'M1-8',
    text: 'The person decides per use: off, on, or a device by name',
  },
  {
    number: 'M1-9',
    text: 'Where peers cannot reach each other it still works, through system memory',
  },
  { number: 'M1-10', text: 'Private memory is not mapped for peers, and peers’ memory is not made private' },
  { number: 'M1-11', text: 'A device’s own allocator stays in charge of its memory' },
  {
    number: 'M1-12',
    text: 'Mapping for peers allocates nothing a second time',
  },
  { number: 'M1-13', text: 'Devices without an allocator get a common one' },
  { number: 'M1-14', text: 'Programs get such memory only where somebody said so' },
  { number: 'M1-15', text: 'Find, allocate, map, use, free: the same for every kind of provider' },
  {
    number: 'M1-16',
    text: 'Can these two reach each other? No false yes',
  },
  { number: 'M1-17', text: 'A peer’s memory is imported for a client, or refused' },
  { number: 'M1-18', text: 'The question for any number of devices' },
  { number: 'M1-19', text: 'A driver that owns none of the devices brings them together' },
  { number: 'M1-20', text: 'Many drives behind one network card' },
  { number: 'M1-21', text: 'Ways are found once and not for each transfer' },
  { number: 'M1-22', text: 'The tree of buses is all that is needed to find them' },
  { number: 'M1-23', text: 'A device can be named; one without memory is refused' },
  { number: 'M1-24', text: 'Or the tree is searched, and the order does not matter' },
  { number: 'M1-25', text: 'No second copy of the topology' },
  // M2: enabling a BAR, who answers, how addresses are made, virtual machines, domains
  { number: 'M2-1', text: 'Registers of a network card are reached without a pool' },
  {
    number: 'M2-2',
    text: 'One call opens one BAR for peers and no other',
  },
  { number: 'M2-3', text: 'The bus is asked, not the drivers' },
  { number: 'M2-4', text: 'One mapping call for RAM and peers’ memory together' },
  { number: 'M2-5', text: 'DMA operations of a device’s own know peers or are refused' },
  {
    number: 'M2-6',
    text: 'In a virtual machine the hypervisor is called for the address',
  },
  { number: 'M2-7', text: 'Or it leaves a table' },
  {
    number: 'M2-8',
    text: 'The IOMMU has to permit it',
  },
  {
    number: 'M2-9',
    text: 'The address for the device may be one that the IOMMU invented',
  },
  { number: 'M2-10', text: 'Between domains it fails' },
  {
    number: 'M2-11',
    text: 'Or hardware translates the IDs of completions',
  },
  { number: 'M2-12', text: 'On one switch it always works' },
  { number: 'M2-13', text: 'Where a segment ends is the platform’s business' },
  { number: 'M2-14', text: 'What differs between platforms is kept apart' },
  { number: 'M2-15', text: 'Drivers add no offsets: the DMA layer does' },
  { number: 'M2-16', text: 'Pages of BARs are taken by the DMA layer, or refused in words' },
  // M3: peers' memory in programs
  { number: 'M3-1', text: 'Nothing is offered that nobody uses' },
  { number: 'M3-2', text: 'Network cards’ own ways to map registers fit in' },
  { number: 'M3-3', text: 'An allocator of one’s own, which gets its pages back' },
  { number: 'M3-4', text: 'A register page for each context of a network card' },
  { number: 'M3-5', text: 'One check for all mappings: shared only, marked' },
  {
    number: 'M3-6',
    text: 'One place that knows how the processor has to access the pages',
  },
  { number: 'M3-7', text: 'Page by page: allocated, inserted, and undone if they run out' },
  {
    number: 'M3-8',
    text: 'A page goes back when the last of its users lets go',
  },
  { number: 'M3-9', text: 'A program maps it, reads from one drive into it and writes to another' },
  // M4: providers and clients, root ports, distances, directions
  { number: 'M4-1', text: 'A provider offers memory in a BAR' },
  { number: 'M4-2', text: 'Or a doorbell' },
  { number: 'M4-3', text: 'Across root ports a list of host bridges decides' },
  { number: 'M4-4', text: 'Through the host is further than through a switch' },
  { number: 'M4-5', text: 'Some host bridges forward between their own root ports only' },
  { number: 'M4-6', text: 'A provider with a client that writes and one that reads' },
  { number: 'M4-7', text: 'A client may be the provider' },
  { number: 'M4-8', text: 'Clients are the network card and the drives' },
  { number: 'M4-9', text: 'Any of them, or a device apart, may provide' },
  {
    number: 'M4-10',
    text: 'All have to be in reach, else there is no peer-to-peer at all',
  },
  { number: 'M4-11', text: 'Network card, GPU and drive with the GPU as provider' },
  { number: 'M4-12', text: 'A function of two devices: -1, or how far' },
  {
    number: 'M4-13',
    text: 'A direction may be given',
  },
  { number: 'M4-14', text: 'The list of host bridges knows directions' },
  { number: 'M4-15', text: 'Storage over a network needs both directions' },
  { number: 'M4-16', text: 'The copy in storage over a network' },
] as const satisfies readonly Requirement[];

/** The number of a requirement that there is. */
export type RequirementNumber = (typeof requirements)[number]['number'];
