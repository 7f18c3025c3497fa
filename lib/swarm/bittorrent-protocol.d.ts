/** The parts of bittorrent-protocol 5 that `wire.ts` uses; it brings no types. */
declare module 'bittorrent-protocol' {
  type PendingRequest = { readonly piece: number; readonly offset: number; readonly length: number }
  /** Its `prototype.name` is the extension's. */
  type ExtensionClass = new (
    wire: unknown,
  ) => { readonly name: string; onMessage?(payload: Uint8Array): void }

  export default class Protocol {
    readonly amChoking: boolean
    readonly peerChoking: boolean
    /** Both sides speak BEP 6. */
    readonly hasFast: boolean
    /** Ours that stand open, and the peer's. */
    readonly requests: PendingRequest[]
    readonly peerRequests: PendingRequest[]
    readonly peerExtensions: { readonly extended?: boolean; readonly fast?: boolean }
    readonly peerExtendedMapping: Readonly<Record<string, number>>
    extendedHandshake: Record<string, string | number>

    use(extension: ExtensionClass): void
    handshake(infoHash: Uint8Array, peerId: Uint8Array, extensions: { fast: boolean }): void
    keepAlive(): void
    choke(): void
    unchoke(): void
    interested(): void
    uninterested(): void
    have(index: number): void
    bitfield(bytes: Uint8Array): void
    haveAll(): void
    haveNone(): void
    request(index: number, offset: number, length: number): void
    cancel(index: number, offset: number, length: number): void
    piece(index: number, offset: number, bytes: Uint8Array): void
    reject(index: number, offset: number, length: number): void
    extended(name: string, payload: Uint8Array): void

    on(event: 'handshake', call: (infoHash: string, peerId: string) => void): this
    on(event: 'request', call: (index: number, offset: number, length: number) => void): this
    on(event: 'choke' | 'unchoke' | 'interested' | 'uninterested', call: () => void): this
    on(event: 'have-all' | 'have-none', call: () => void): this

    /** streamx: what a Writable does with a chunk, and what a Readable does with its output. */
    _write(bytes: Uint8Array, done: (error: Error | null) => void): void
    push(bytes: Uint8Array | null): boolean
    end(): this
    destroy(): this
  }
}
