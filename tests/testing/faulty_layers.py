"""A layer that keeps the contract, and others that each break one point of it: plug-ins to test the tests with."""

from cafpy.layer import Layer
from cafpy.ops.routine import routine


@routine
def cube(xp, x, out):
    xp.multiply(x * x, x, out=out)


@cube.body("numba")
def _(x, out):
    out[...] = x**3


@routine
def wrong_when_big(xp, x, out):
    xp.multiply(x * x, x, out=out)


@wrong_when_big.body("numba")
def _(x, out):
    out[...] = x**3 + (x.size > 10_000)


class Good(Layer):
    """y = w · x³ with one parameter w."""

    in_place = False
    forward_routine = cube

    def setup(self, bottom, top):
        weight = self.add_param((1,))
        weight.data[...] = 0.5

    def reshape(self, bottom, top):
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)
        self.cubed = self.work_array(bottom[0].shape)

    def forward(self, bottom, top):
        type(self).forward_routine(self.backend, bottom[0].data, self.cubed)
        self.xp.multiply(self.cubed, self.blobs[0].data, out=top[0].data)

    def backward(self, top, propagate_down, bottom):
        if self.param_propagate_down[0]:
            self.blobs[0].diff[...] += self.param_diff(top)
        if propagate_down[0]:
            bottom[0].diff[...] = self.bottom_diff(top, bottom)

    def param_diff(self, top):
        return self.xp.sum(top[0].diff * self.cubed)

    def bottom_diff(self, top, bottom):
        x = bottom[0].data
        return top[0].diff * self.blobs[0].data * 3 * x * x


class WrongGradient(Good):
    def bottom_diff(self, top, bottom):
        return 1.001 * super().bottom_diff(top, bottom)


class WrongParamGradient(Good):
    def param_diff(self, top):
        return 0.999 * super().param_diff(top)


class AddsToBottomDiff(Good):
    def bottom_diff(self, top, bottom):
        return bottom[0].diff + super().bottom_diff(top, bottom)


class OverwritesParamDiff(Good):
    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] = 0
        super().backward(top, propagate_down, bottom)


class IgnoresPropagateDown(Good):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, [True], bottom)


class IgnoresParamPropagateDown(Good):
    def backward(self, top, propagate_down, bottom):
        self.param_propagate_down = [True]
        super().backward(top, propagate_down, bottom)


class NoParamDiffWithoutBottomDiff(Good):
    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            super().backward(top, propagate_down, bottom)


class ChangesBottom(Good):
    def forward(self, bottom, top):
        bottom[0].data[...] *= 1.5
        super().forward(bottom, top)


class Accumulates(Good):
    def reshape(self, bottom, top):
        super().reshape(bottom, top)
        self.total = self.work_array(bottom[0].shape)

    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.total += top[0].data
        top[0].data[...] = self.total


class ShapesOnlyOnce(Good):
    def reshape(self, bottom, top):
        if not hasattr(self, "cubed"):
            super().reshape(bottom, top)
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom, top):
        count = min(len(self.cubed), len(bottom[0].data))
        top[0].data[...] = 0
        top[0].data[:count] = self.blobs[0].data * bottom[0].data[:count] ** 3

    def param_diff(self, top):
        return self.xp.sum(top[0].diff * top[0].data) / self.blobs[0].data


class AllocatesInForward(Good):
    def forward(self, bottom, top):
        self.reshape(bottom, top)
        super().forward(bottom, top)


class MixesInHostArrays(Good):
    def forward(self, bottom, top):
        import numpy

        super().forward(bottom, top)
        top[0].data[...] += numpy.ones(top[0].shape, "f")


class GoesToTheHost(Good):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        if float(top[0].data.sum()) > 1e30:
            top[0].data[...] = 0


class WrongFastBody(Good):
    forward_routine = wrong_when_big


class CountsByIndex(Good):
    bottoms = (1, None)

    def reshape(self, bottom, top):
        super().reshape(bottom, top)
        if len(bottom) > 1:
            raise IndexError("list index out of range")


class ReadsWhatIsOverwritten(Good):
    """Right when top and bottom are two blobs; in place, backward finds y where x was."""

    in_place = True


class Draws(Good):
    """y = w · x³ · (1 or 2, at random), right."""

    def setup(self, bottom, top):
        super().setup(bottom, top)
        self.count = 0

    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.factor = 1 + (self.seed + self.count) % 2
        top[0].data[...] *= self.factor
        self.count += 1

    def param_diff(self, top):
        return self.factor * super().param_diff(top)

    def bottom_diff(self, top, bottom):
        return self.factor * super().bottom_diff(top, bottom)

    def state(self):
        return {"count": self.count}

    def load_state(self, state):
        self.count = state["count"]


class DrawsWithoutState(Draws):
    def state(self):
        return {}


class ForgetsItsState(Draws):
    def load_state(self, state):
        pass


class DrawsTheSame(Draws):
    def forward(self, bottom, top):
        self.seed = self.count = 0
        super().forward(bottom, top)
