"""libtorrent's side of pair.bench.ts. make FILE TORRENT | seed TORRENT FROM | leech TORRENT INTO PORT: says `port N`, or `seconds S`."""
import os, sys, time
import libtorrent as lt

mode, first, second = sys.argv[1:4]
if mode == 'make':
    files = lt.file_storage()
    lt.add_files(files, first)
    torrent = lt.create_torrent(files, 0, lt.create_torrent.v2_only)
    lt.set_piece_hashes(torrent, os.path.dirname(first))
    with open(second, 'wb') as out:
        out.write(lt.bencode(torrent.generate()))
    sys.exit(0)

session = lt.session({
    'listen_interfaces': '127.0.0.1:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
    'enable_natpmp': False, 'enable_outgoing_utp': False, 'enable_incoming_utp': False,
    'allow_multiple_connections_per_ip': True, 'alert_mask': 0,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(first)
params.save_path = second
handle = session.add_torrent(params)
while session.listen_port() == 0 or str(handle.status().state) in ('checking_files', 'checking_resume_data'):
    time.sleep(0.005)
started = time.monotonic()
if mode == 'leech':
    handle.connect_peer(('127.0.0.1', int(sys.argv[4])))
while not handle.status().is_seeding:
    time.sleep(0.005)
if mode == 'leech':
    print('seconds', time.monotonic() - started, flush=True)
else:
    print('port', session.listen_port(), flush=True)
    sys.stdin.read()  # until the bench has what it wants
