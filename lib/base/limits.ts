/** Every cap on what a peer, a client or a file can make us hold or do, with its reason. Bytes unless the name says otherwise. */

const KIB = 1024
const MIB = 1024 * KIB

export const LIMITS = {
  /** PATH_MAX of Linux. */
  nameBytes: 4095,
  /** NAME_MAX of every file system in use. */
  componentBytes: 255,
  /** A symbolic link's target: PATH_MAX. */
  linkTargetBytes: 4095,
  /** One content; above it offsets would leave 2^53 and no file system goes there. */
  contentBytes: 2 ** 50,

  /** A page of a snapshot: split near 32 KiB, so that deflate's window spans the page it replaces. */
  pageBytes: 256 * KIB,
  /** Published sums of one content: 12 bytes a block, at most 2^22 blocks. */
  sumsBytes: 64 * MIB,
  /** A recipe: parts and sources (a DVD of small packages has 5000), the bytes it holds itself, and all of it. */
  recipeParts: 2 ** 18,
  recipeLiteralBytes: 16 * MIB,
  recipeBytes: 32 * MIB,
  /** Directories within directories: PATH_MAX / 2. */
  treeDepth: 2048,
  /** A signed head is a few hundred bytes. */
  headBytes: 4 * KIB,
  /** xattrs and ACLs of one entry together: XATTR_SIZE_MAX of Linux. */
  xattrBytes: 64 * KIB,

  /** One BitTorrent message: 64 KiB of data, or the hashes of an 8 MiB run, with room. */
  messageBytes: 256 * KIB,
  /** The extended handshake: a small dictionary. */
  extendedHandshakeBytes: 16 * KIB,
  /** Between prsync nodes; 16 KiB to anyone else. */
  requestBytes: 64 * KIB,
  foreignRequestBytes: 16 * KIB,
  /** Requests one peer may have waiting here; more are rejected. */
  peerRequests: 500,
  /** From the first byte of a connection to the end of both its handshakes. */
  handshakeMs: 5000,
  /** How often a quiet connection shows that it lives; three times nothing heard ends it. */
  heartbeatMs: 60_000,
  /** Handles one peer may have bound here. */
  peerHandles: 4096,
  /** Bytes not yet taken by one peer's socket before we stop answering it. */
  unsentBytes: 2 * MIB,
  /** Connections of one node in one swarm; no address takes more than half of what is left. */
  connections: 50,
  /** Connections of one port, for all its swarms and torrents and those that did not say yet; likewise. */
  wireConnections: 200,
  /** What one peer may tell us it has, in remembered entries. */
  peerHaves: 4_000_000,
  /** Contents of all peers remembered by hint: 16 bytes a row, half of them free. */
  haves: 8_000_000,
  /** Bits for the units of contents that one peer has in part: 5 GiB takes 10 KiB. */
  peerPartBytes: 8 * MIB,
  /** Contents one peer dropped or refused, remembered against what it is complete through. */
  peerLacks: 100_000,
  /** Units of one content: 2^50 bytes in units of 32 MiB. */
  contentUnits: 2 ** 25,
  /** Units named in one HAVE: all of a 1 TiB content. */
  haveUnits: 2 ** 20,
  /** Addresses of other nodes that a node remembers. */
  knownPeers: 1000,
  /** Contents or units one node may want from the centre at a time; the node refills as they come. */
  peerWants: 4096,
  /** Leaf hashes asked for at once (512 leaves are 8 MiB of data). */
  hashRun: 512,
  /** The largest piece of a torrent. */
  pieceBytes: 16 * MIB,
  /** A .torrent file: its piece layer, 2 MiB for each TiB in 16 MiB pieces. */
  torrentBytes: 64 * MIB,
  /** Published files that are torrents too: the latest asked for; each has a swarm at the tracker. */
  exportedTorrents: 1000,
  /** Layers of a hash tree: 2^36 leaves are the largest content. */
  hashLayers: 36,

  /** Nesting and tokens of bencoded input from a peer. */
  bencodeDepth: 8,
  bencodeTokens: 2000,

  /** Peers a tracker keeps of one swarm, and hands out at once. */
  swarmPeers: 20_000,
  announcePeers: 10,
  /** Of these, behind one address: a NAT has more than one, an attacker has all ports. */
  swarmPeersAtAddress: 64,

  /** A request for many contents in one answer. */
  batchContents: 4096,
  batchBytes: 64 * MIB,
  /** An HTTP request line with its headers. */
  httpHeadBytes: 16 * KIB,
  /** A path with its query: the longest name, every byte of it escaped, would not fit; none in use comes near. */
  urlBytes: 8 * KIB,
  /** Ranges of one request: what zsync and zchunk ask for at a time. */
  httpRanges: 128,
  /** Redirects that are remembered: 100 bytes each. A power of two. */
  attempts: 2 ** 18,
  /** A client that takes less than one part of a body (256 KiB) in this time holds a connection for nothing. */
  httpStallMs: 600_000,
  /** A message of the control channel. */
  controlBytes: 1 * MIB,
  /** What a node says on it: one small object. */
  reportBytes: 4 * KIB,
  /** What a volunteer says on its channel: some modules, some rates. */
  volunteerBytes: 16 * KIB,
  /** What a centre says there: which releases are wanted. */
  centreWordBytes: 256 * KIB,
  /** Nodes on the control channels of one centre: a socket and a last report each; of these, behind one address. */
  controlNodes: 10_000,
  controlNodesAtAddress: 64,
  /** Browsers that look at a centre's status pages; of these, behind one address. */
  livePages: 256,
  livePagesAtAddress: 16,
  /** What such a browser says: which page. */
  livePageBytes: 16 * KIB,
  /** A centre's word about a module, with its nodes. */
  statusBytes: 4 * MIB,

  /** Blocks of one delta: 256 MiB of table. Contents above it have larger blocks. */
  deltaBlocks: 2 ** 24,
  /** One block of published sums: no larger ones before 16 TiB. */
  deltaBlockBytes: 1 * MIB,

  /** Filter rules of one run, and their text. */
  filterRules: 100_000,
  filterRuleBytes: 8 * KIB,
  /** A rule as rsync sends it. */
  wireFilterRuleBytes: 5119,
  /** Filter files that merge filter files. */
  filterDepth: 32,

  /** The text of one message between two rsyncs: PATH_MAX and a sentence. */
  messageTextBytes: 5120,
  /** rsync's blocks: before protocol 30, and since. */
  oldBlockBytes: 2 ** 29,
  blockBytes: 128 * KIB,
  /** Block sums of one file: 5 TiB in the longest blocks. */
  blockSumsBytes: 1024 * MIB,
  /** Values of extended attributes that are fetched at once, and one of them, as rsync allows. */
  xattrItems: 65_536,
  xattrValueBytes: 128 * MIB,
  /** All of one file's that are fetched at once: two of the longest. */
  xattrAnswerBytes: 256 * MIB,
  /** Words of one server command line. */
  secludedWords: 1_000_000,
  /** Names of --files-from that come over the wire, together. */
  nameStreamBytes: 512 * MIB,
  /** Sums, compressors: names that the other side has. */
  nameListBytes: 255,
  /** Named entries of one ACL in a file list. */
  aclEntries: 65_536,
  /** Extended attributes of one file in a file list: their number, a name, a value. */
  listXattrs: 65_536,
  listXattrNameBytes: 4096,
  listXattrValueBytes: 128 * MIB,
  /** ACLs and extended attributes that a receiver remembers for a session, as they lie in memory: 6 million sets that differ. */
  listExtraBytes: 1024 * MIB,
  /** Owners and groups with a name in one file list. */
  listIds: 2 ** 20,
  /** A line of a daemon's dialogue, to the daemon and to the client: a module or a user; a message of the day. */
  daemonLineBytes: 1 * KIB,
  clientLineBytes: 5 * KIB,
  /** Lines of a message of the day and of a listing that a client takes. */
  daemonLines: 100_000,
  /** For the daemon's early program. */
  earlyInputBytes: 5 * KIB,
  /** A protocol that is yet to be: a version above it is none. */
  protocolVersion: 40,
  /** Arguments of one request: ARG_MAX of Linux. */
  daemonArguments: 100_000,
  daemonArgumentBytes: 2 * MIB,
  /** The greeting with its login, and the arguments again: less where the module's timeout is. */
  daemonDialogueMs: 60_000,
  /** A header of the PROXY protocol, version 1 and 2. */
  proxyLineBytes: 107,
  proxyHeaderBytes: 4 * KIB,
  /** An answer to CONNECT. */
  proxyAnswerBytes: 16 * KIB,
  /** What a name converter calls somebody. */
  accountNameBytes: 256,
  /** Connections of a daemon at a time, each a process. */
  daemonProcesses: 200,

  /** rsyncd.conf: files that include files, and all their lines. */
  confDepth: 10,
  confLines: 1_000_000,
  /** What a program before the transfer may say to the user. */
  hookOutputBytes: 8 * KIB,
} as const
