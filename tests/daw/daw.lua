-- A real Ardour without a window that takes orders on standard input, one a line, and answers in lines "DAW ...".
-- ardour7-lua daw.lua FOLDER NAME TRACK...   makes a session with MIDI tracks, all unconnected, at 120 to the minute.

local folder, name = arg[1], arg[2]

local function wait(seconds) ARDOUR.LuaAPI.usleep(math.floor(seconds * 1e6)) end

local function say(...)
  print("DAW", ...) -- the session's own print joins with blanks
  io.stdout:flush()
end

-- Waits for what must happen; at most 10 s.
local function wait_for(happened)
  for _ = 1, 1000 do
    if happened() then return true end
    wait(0.01)
  end
  return false
end

assert(not AudioEngine:set_backend("JACK", "ardour", ""):isnil(), "no JACK")
assert(AudioEngine:start(false) == 0, "the engine does not start")
local session = assert(create_session(folder, name, 48000))
ARDOUR.config():set_send_midi_clock(true)

local tracks = {}
local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
for i = 3, #arg do
  local track = session:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, arg[i],
    ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front():to_track()
  track:input():disconnect_all(nil)
  track:output():disconnect_all(nil)
  tracks[arg[i]] = track
end

local order = {}

-- arm TRACK: ready to record
function order.arm(track)
  tracks[track]:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
  say("armed", track)
end

-- plugin TRACK URI VALUE: an LV2 plug-in on a track, with its first parameter; the track then hears its input
function order.plugin(track, uri, value)
  local made = ARDOUR.LuaAPI.new_plugin(session, uri, ARDOUR.PluginType.LV2, "")
  assert(not made:isnil(), "no plug-in " .. uri)
  assert(tracks[track]:add_processor_by_index(made, 0, nil, true) == 0, "the track refuses " .. uri)
  assert(ARDOUR.LuaAPI.set_processor_param(made, 0, tonumber(value)), "no such parameter")
  tracks[track]:monitoring_control():set_value(ARDOUR.MonitorChoice.MonitorInput, PBD.GroupControlDisposition.NoGroup)
  say("plugged", track)
end

function order.record()
  session:goto_start(false)
  wait_for(function() return session:transport_sample() == 0 end)
  session:maybe_enable_record(false)
  session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
  wait_for(function() return session:transport_rolling() end)
  say("rolling", session:actively_recording())
end

-- stop TRACK...: the end of a take, in which at least these tracks recorded something
function order.stop(...)
  session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
  wait_for(function() return not session:transport_rolling() end)
  -- Another thread makes regions of what was captured, some time after the stop.
  for _, track in ipairs({ ... }) do
    wait_for(function() return not tracks[track]:playlist():region_list():empty() end)
  end
  session:disable_record(false, false)
  session:save_state("")
  say("stopped", session:transport_sample())
end

session:save_state("")
say("ready", name)
for line in io.lines() do
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  if words[1] == "quit" then break end
  order[words[1]](table.unpack(words, 2))
end
close_session()
say("closed", name)
