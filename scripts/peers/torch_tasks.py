"""PyTorch's side of train_step.py: the tasks of crates/av-train/benches/peer, one line each.

Arguments: channels_last, compile, bf16 (the networks by autocast, the loss in f32).
"""

import resource
import sys
import time

import torch
import torch.nn.functional as functional
from torch import nn

CHANNELS_LAST, COMPILE, BF16 = (word in sys.argv for word in ("channels_last", "compile", "bf16"))
CLASSES, EMBEDDING = 6, 32


def layout(x):
    return x.contiguous(memory_format=torch.channels_last) if CHANNELS_LAST and x.dim() == 4 else x


def normal(*shape):
    return layout(torch.randn(shape))


def gradient(parameters, call):
    """Forward, and backward from fixed numbers."""
    numbers = normal(*call().shape)
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    return lambda: torch.autograd.grad(call(), wanted, numbers)


def conv2d(batch, channels, height, width, outputs, kernel, stride, input):
    x = normal(batch, channels, height, width).requires_grad_(input == 1)
    weight = normal(outputs, channels, kernel, kernel).requires_grad_()
    return gradient([x, weight], lambda: functional.conv2d(x, weight, None, stride, kernel // 2))


def batch_norm_relu(batch, channels, height, width):
    x, norm = normal(batch, channels, height, width).requires_grad_(), nn.BatchNorm2d(channels)
    return gradient([x, *norm.parameters()], lambda: functional.relu(norm(x), inplace=True))


def layer_norm(rows, features):
    x, norm = normal(rows, features).requires_grad_(), nn.LayerNorm(features)
    return gradient([x, *norm.parameters()], lambda: norm(x))


def recurrent(kind, batch, steps, inputs, hidden):
    x, cell = normal(batch, steps, inputs).requires_grad_(), kind(inputs, hidden, batch_first=True)
    return gradient([x, *cell.parameters()], lambda: cell(x)[0])


def lstm(*numbers):
    return recurrent(nn.LSTM, *numbers)


def gru(*numbers):
    return recurrent(nn.GRU, *numbers)


def max_pool2d(*shape):
    x = normal(*shape).requires_grad_()
    return gradient([x], lambda: functional.max_pool2d(x, 2))


def cross_entropy(batch, classes):
    x, labels = normal(batch, classes).requires_grad_(), torch.arange(batch)
    return gradient([x], lambda: functional.cross_entropy(x, labels))


def adam(count, rows, columns):
    weights = [nn.Parameter(torch.randn(rows, columns)) for _ in range(count)]
    for weight in weights:
        weight.grad = weight.detach().clone()
    return torch.optim.Adam(weights, 1e-3, fused=True).step


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [3, 16, 32, 64, 64]
        blocks = [
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
            for a, b in zip(widths, widths[1:])
        ]
        self.blocks, self.drop, self.map = nn.Sequential(*blocks), nn.Dropout(0.3), nn.Linear(64, EMBEDDING)

    def forward(self, x):
        return self.map(self.drop(self.blocks(x).mean((2, 3))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.audio, self.video = Encoder(), Encoder()
        self.label = nn.Parameter(torch.randn(CLASSES, EMBEDDING))
        hidden = nn.Linear(2 * EMBEDDING, 64)
        self.fusion = nn.Sequential(hidden, nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(64, CLASSES))

    def forward(self, audio, video):
        f, g = self.audio(audio), self.video(video)
        return f, g, self.fusion(torch.cat([f, g], 1))


def soft_hgr(f, g):
    f, g = f - f.mean(0), g - g.mean(0)
    a = 1 / (f.shape[0] - 1)
    return ((f.T @ f * a) * (g.T @ g * a)).sum() / 2 - (f * g).sum() * a


def network(rows, mels, frames, height, width):
    model = Net()
    if CHANNELS_LAST:
        model = model.to(memory_format=torch.channels_last)
    inputs = normal(rows, 3, mels, frames), normal(rows, 3, height, width)
    forward = torch.compile(model) if COMPILE else model
    return model, (mixed(forward) if BF16 else forward), inputs, torch.arange(rows) % CLASSES


def mixed(forward):
    def call(*inputs):
        with torch.autocast("cpu", torch.bfloat16):
            outputs = forward(*inputs)
        return [output.float() for output in outputs]

    return call


def step(*numbers):
    model, forward, inputs, labels = network(*numbers)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01, fused=True)

    def task():
        optimiser.zero_grad(set_to_none=True)
        f, g, logits = forward(*inputs)
        h = model.label[labels]
        loss = functional.cross_entropy(logits, labels)
        loss = loss + 0.3 * (soft_hgr(f, g) + soft_hgr(f, h) + soft_hgr(g, h))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        return loss.item()

    return task


def inference(*numbers):
    model, forward, inputs, _ = network(*numbers)
    model.eval()

    def task():
        with torch.inference_mode():
            forward(*inputs)

    return task


TASKS = {
    call.__name__: call
    for call in (conv2d, batch_norm_relu, layer_norm, lstm, gru, max_pool2d, cross_entropy, adam, step, inference)
}


def main():
    known, task = None, None
    for line in sys.stdin:
        if line.strip() == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
            continue
        calls, what = line.strip().split(" ", 1)
        if what != known:
            name, *numbers = what.split()
            known, task = what, TASKS[name](*map(int, numbers))
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(int(calls)):
            task()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(wall / int(calls), processor / int(calls), flush=True)


main()
