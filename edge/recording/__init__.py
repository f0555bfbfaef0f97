"""The flight recorder: what led here, as text that people read and `replay` steps again.

A recording is lines of `WORD NAME JSON`. JSON rather than architecture.md's sketch of sentences: a
replay needs every field, and sentences with every field are JSON with worse rules for quoting.

    tapwatt recording 1                            format; a reader refuses any other
    version 0.1.0                                  of the program that recorded
    state 17 {"setup":{…},"station":{…},…}         the charge point before event 17
    event 17 TagPresented {"at":{…},"id_tag":"…"}  what happened
      Show {"connector":1,"lamp":"waiting"}        what was decided, an effect per line, by beat
      Ask {"ticket":9,…}
    frame out [2,"a1","Authorize",{…}]             what passed the line, for people; not replayed
    event 18 …
      raised AssertionError: tickets leak          in place of effects: the step that ended it all

Fields that have their default are left out. Where a field may hold values of several classes, the
value says under `is` which one. No secret ever enters (`veil`): cards have aliases, the same card
the same one within a recording, so that all decisions come out as they did.
"""
