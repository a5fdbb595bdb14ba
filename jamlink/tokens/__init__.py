"""Music as words, one per thing that happens in a beat, and back.

    vocab     the words: ids, names, HASH, the Tasks and what each writes, in which order
    phrase    what words can say: Heading, Phrase, Steering; quantise
    encode    encode(heading, phrase) -> ids; prompt(heading, context, steering, place) -> ids up to a slot
    decode    decode(ids) -> Piece; decode_slot(ids, task, meter, place, chord_before) -> Phrase
    grammar   Grammar: which ids may come next in a slot

A proposal is made so: `ids = prompt(...)`; feed them to the network; then, with a `Grammar` for the slot, sample among
`grammar.allowed()`, `grammar.advance(id)`, until `grammar.finished`; `decode_slot` turns the sampled ids into music.

Laws: decode(encode(x)) is quantise(x); quantise(quantise(x)) is quantise(x); whatever a Grammar allows decodes; a
tail that was cut off decodes to the whole bars before it. Pure Python: no clock, no numpy, no torch.
"""
