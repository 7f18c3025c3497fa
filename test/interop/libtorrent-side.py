"""libtorrent's side of libtorrent.test.ts: leech TORRENT INTO PORT | fetch TORRENT INTO (peers by its tracker) | seed TORRENT FROM. Says where it listens, then 'done'."""
import sys, time
import libtorrent as lt

mode, torrent, folder = sys.argv[1:4]
session = lt.session({
    'listen_interfaces': '127.0.0.1:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
    'enable_natpmp': False, 'enable_outgoing_utp': False, 'enable_incoming_utp': False,
    'allow_multiple_connections_per_ip': True,
    'alert_mask': 0x7fffffff,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
handle = session.add_torrent(params)
deadline = time.time() + 60
while session.listen_port() == 0 and time.time() < deadline:
    time.sleep(0.01)
if mode == 'leech':
    while str(handle.status().state) in ('checking_files', 'checking_resume_data') and time.time() < deadline:
        time.sleep(0.01)
    handle.connect_peer(('127.0.0.1', int(sys.argv[4])))
while not handle.status().is_seeding and time.time() < deadline:
    time.sleep(0.02)
status = handle.status()
if not status.is_seeding:
    for alert in session.pop_alerts():
        print(str(alert)[:200], file=sys.stderr)
    sys.exit(1)
print('port', session.listen_port(), flush=True)
print('failed', status.total_failed_bytes, flush=True)
if mode == 'seed':
    sys.stdin.read()  # until the test has what it wants
