import WebSocket from 'ws'
const l=await (await fetch('http://127.0.0.1:9229/json')).json(); const w=new WebSocket(l[0].webSocketDebuggerUrl)
let id=0; const send=(m,p={})=>w.send(JSON.stringify({id:++id,method:m,params:p}))
w.on('open',()=>{send('Debugger.enable');send('Debugger.pause')})
let n=0
w.on('message',d=>{const m=JSON.parse(d); if(m.method==='Debugger.paused'){ console.log('--'); for(const f of m.params.callFrames.slice(0,12)) console.log(f.functionName,f.url.split('/').slice(-3).join('/'),f.location.lineNumber+1); if(++n<4){send('Debugger.resume'); setTimeout(()=>send('Debugger.pause'),50)} else process.exit()}})
setTimeout(()=>process.exit(),5000)
