"""Layers that run as one: a plan of steps made when a net is built, over the same layers, blobs and parameters.

A net computes the same with and without (`Net(fuse=False)`): whatever can be looked at after a pass, blobs, gradients
and parameters, holds what the single layers would have put there. So only chains are fused that work in place on one
blob, or whose blobs are written all the same; others too where a net only runs forward and shares memory, since its
blobs hold nothing to look at anyway. Run in part (`net.forward(3, 3)`), a net runs its layers one by one.

    chain.py        layers in a row that work in place on one blob
    step.py         what a step is: one layer, or several fused ones
    plan.py         which layers make which steps, and which steps make up a range of layers
    batch_norm.py   BatchNorm, Scale, ReLU in place
    convolution.py  a convolution with what follows it in place: ReLU; in phase TEST also BatchNorm and Scale
    eltwise.py      a sum with the ReLU behind it

A new kind is a function ``match(nodes, at, hidden)`` that gives the step that begins with layer ``at``, or None, in a
file of its own, named in plan.py. It may only match where its routine has a fast body for the backend
(`Routine.fast_on`).
"""
