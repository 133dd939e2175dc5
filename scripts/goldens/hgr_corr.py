#!/usr/bin/env python3
"""Golden vectors for hgr-corr. numpy float64 only. Re-run: python make_golden.py
Every case stores its INPUTS explicitly, so a test needs no generator. The generator
is stated anyway (LCG below) so any language can rebuild the inputs bit for bit.

LCG: s <- (6364136223846793005*s + 1442695040888963407) mod 2^64, s0 = seed;
     u = (s >> 11) * 2^-53 in [0,1);   x = 2u-1.  Matrices are filled row-major.
"""
import json, os, itertools
import numpy as np
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../crates/hgr-corr/testdata')
class Lcg:
    def __init__(s, seed): s.s = seed & (2**64-1)
    def u(s):
        s.s = (6364136223846793005*s.s + 1442695040888963407) & (2**64-1)
        return (s.s >> 11) * 2.0**-53
    def mat(s, n, k): return np.array([[2*s.u()-1 for _ in range(k)] for _ in range(n)])
    def ints(s, n, C): return np.array([int(s.u()*C) for _ in range(n)])
def L(a): return np.asarray(a, float).tolist()
def save(name, doc):
    json.dump(doc, open(os.path.join(HERE, name + '.json'), 'w'), indent=1); print(name)
c = lambda F: F - F.mean(0)
def fd(fun, X, h=1e-5):           # central differences, check only
    G = np.zeros_like(X)
    for i in np.ndindex(*X.shape):
        A = X.copy(); A[i] += h; B = X.copy(); B[i] -= h
        G[i] = (fun(A) - fun(B)) / (2*h)
    return G
def chk(a, b, t=2e-8): assert np.max(np.abs(np.asarray(a)-np.asarray(b))) < t, np.max(np.abs(np.asarray(a)-np.asarray(b)))
def cond(F, G):                   # correlated, non-linear features so the numbers are not trivial
    return F, 0.6*F[:, :G.shape[1]] + 0.5*G if F.shape[1] >= G.shape[1] else G

# ---------------------------------------------------------------- Soft-HGR
CONV = {'unbiased': (1, 1), 'population': (0, 0), 'neg_hscore': (0, 1)}
# (ddof of the cross term, ddof of both covariances)
def soft_hgr(F, G, conv='unbiased'):
    a, b = CONV[conv]; n = len(F); F0, G0 = c(F), c(G)
    cross = np.sum(F0*G0)/(n-a); Sf, Sg = F0.T@F0/(n-b), G0.T@G0/(n-b)
    pen = 0.5*np.trace(Sf@Sg)
    dF = -G0/(n-a) + F0@Sg/(n-b); dG = -F0/(n-a) + G0@Sf/(n-b)
    return dict(cross=cross, penalty=pen, objective=cross-pen, loss=pen-cross), dF, dG
def twoview():
    cases = []
    for name, n, k, seed, off in [('n8k3', 8, 3, 1, 0.), ('n4k6_batch_lt_dim', 4, 6, 2, 0.), ('n16k4_offset1e3', 16, 4, 3, 1e3), ('n5k1', 5, 1, 4, 0.), ('n2k2_smallest', 2, 2, 5, 0.)]:
        r = Lcg(seed); F = r.mat(n, k); G = 0.6*F + 0.5*r.mat(n, k); F = F + off; G = G - off
        out = {}
        for cv in CONV:
            v, dF, dG = soft_hgr(F, G, cv)
            chk(fd(lambda X: soft_hgr(X, G, cv)[0]['loss'], F), dF, 1e-5 if off else 2e-8)
            chk(fd(lambda X: soft_hgr(F, X, cv)[0]['loss'], G), dG, 1e-5 if off else 2e-8)
            F0, G0 = c(F), c(G); M = F0@G0.T; a, b = CONV[cv]   # Gram identity
            chk(v['objective'], np.trace(M)/(n-a) - .5*np.sum(M*M)/(n-b)**2, 1e-9)
            out[cv] = dict(**v, dloss_df=L(dF), dloss_dg=L(dG))
        cases.append(dict(name=name, n=n, k=k, seed=seed, generator='F=lcg.mat(n,k); G=0.6*F+0.5*lcg.mat(n,k); F+=off; G-=off', off=off, f=L(F), g=L(G), expected=out))
    save('soft_hgr_two_view', dict(conventions={
        'all': 'f,g are (n,k), rows = samples. ~f = f - column mean. loss = -objective. gradients are of loss wrt the UNcentred f,g (centring is differentiated through; each gradient column sums to 0).',
        'unbiased': 'cross = sum(~f*~g)/(n-1); S = ~f^T ~f/(n-1)  [recommended default; Wang et al. 2019 Alg.1]',
        'population': 'both with 1/n',
        'neg_hscore': 'cross with 1/n, S with 1/(n-1), S from centred f,g  [NFE / ace_nn / MCR code bases]'}, cases=cases))

# NFE variant: second moments of UNCENTRED features
def nfe():
    r = Lcg(11); n, k = 10, 3; F = r.mat(n, k)+0.3; G = .5*F+.5*r.mat(n, k)
    def f_(F, G):
        lf, lg = F.T@F/(n-1), G.T@G/(n-1)
        return -np.sum(c(F)*c(G))/n + .5*np.trace(lf@lg)
    dF = -c(G)/n + F@(G.T@G)/(n-1)**2; dG = -c(F)/n + G@(F.T@F)/(n-1)**2
    chk(fd(lambda X: f_(X, G), F), dF); chk(fd(lambda X: f_(F, X), G), dG)
    def h_(F, G):   # JMLR definition, 1/n everywhere
        return np.sum(F*G)/n - F.mean(0)@G.mean(0) - .5*np.trace(F.T@F@G.T@G)/n**2
    mf, mg = F.mean(0), G.mean(0); Sf, Sg = c(F).T@c(F)/n, c(G).T@c(G)/n
    chk(h_(F, G), soft_hgr(F, G, 'population')[0]['objective'] - .5*(mf@Sg@mf + mg@Sf@mg + (mf@mg)**2), 1e-12)
    save('h_score_uncentred', dict(conventions={
        'nfe_neg_hscore': 'XiangxiangXu/NFE: -(1/n) sum ~f*~g + 1/2 tr(Lf Lg), L = X^T X/(n-1) of the UNCENTRED X (drives the means to 0)',
        'jmlr_h_score': 'H(f,g) = E[f.g] - E[f].E[g] - 1/2 tr(Lf Lg), L = E[x x^T] uncentred, all 1/n. Exact identity (population S, m = column means): H = SoftHGR_population - 1/2( mf^T Sg mf + mg^T Sf mg + (mf.mg)^2 ); equal when the means are 0'},
        f=L(F), g=L(G), seed=11, generator='F=mat(10,3)+0.3; G=.5F+.5mat', nfe_neg_hscore=f_(F, G), nfe_df=L(dF), nfe_dg=L(dG), jmlr_h_score=h_(F, G)))

# ---------------------------------------------------------------- many views, missing views
def mv_loss(views, wts=None):
    m = len(views); n = len(views[0]); V = [c(v) for v in views]; S = [v.T@v/(n-1) for v in V]
    obj = 0.; Gd = [np.zeros_like(v) for v in views]
    for i, j in itertools.combinations(range(m), 2):
        w = 1. if wts is None else wts[i][j]
        obj += w*(np.sum(V[i]*V[j])/(n-1) - .5*np.trace(S[i]@S[j]))
        Gd[i] += w*(-V[j]/(n-1) + V[i]@S[j]/(n-1)); Gd[j] += w*(-V[i]/(n-1) + V[j]@S[i]/(n-1))
    return -obj, Gd
def multi():
    r = Lcg(21); n, k = 9, 3; A = r.mat(n, k); B = .7*A+.4*r.mat(n, k); C = .5*A*A+.5*r.mat(n, k)
    loss, gd = mv_loss([A, B, C])
    for i in range(3):
        vs = [A, B, C]
        def f(X, i=i): vs2 = list(vs); vs2[i] = X; return mv_loss(vs2)[0]
        chk(fd(f, vs[i]), gd[i])
    # linear-cost identity
    V = [c(v) for v in (A, B, C)]; S = [v.T@v/(n-1) for v in V]; T = sum(V); SS = sum(S)
    alt = -(.5*(np.sum(T*T)-sum(np.sum(v*v) for v in V))/(n-1) - .25*(np.sum(SS*SS)-sum(np.sum(s*s) for s in S)))
    chk(alt, loss, 1e-12)
    W = [[0, 1., .5], [1., 0, 2.], [.5, 2., 0]]; lw, gw = mv_loss([A, B, C], W)
    save('soft_hgr_multi_view', dict(convention='sum over unordered pairs i<j (not mean), unbiased (n-1). weighted: pair weight w_ij. identity: loss = -[ 1/2(|sum V|^2 - sum|V_i|^2)/(n-1) - 1/4(|sum S|_F^2 - sum|S_i|_F^2) ]',
        n=n, k=k, seed=21, generator='A=mat; B=.7A+.4mat; C=.5A*A+.5mat', views=[L(A), L(B), L(C)], loss=loss, grads=[L(x) for x in gd], weights=W, weighted_loss=lw, weighted_grads=[L(x) for x in gw]))
    # missing
    r = Lcg(22); n = 12; A = r.mat(n, k); B = .7*A+.4*r.mat(n, k); C = .5*A*A+.5*r.mat(n, k)
    mask = np.array([[1,1,1],[1,1,0],[1,0,1],[0,1,1],[1,1,1],[1,1,1],[0,1,1],[1,0,0],[1,1,0],[1,0,1],[1,1,1],[0,0,1]])
    def missing(views, mode):
        obj = 0.; pairs = {}
        for i, j in itertools.combinations(range(3), 2):
            p = np.where((mask[:, i] & mask[:, j]) == 1)[0]; np_ = len(p)
            X, Y = c(views[i][p]), c(views[j][p]); cross = np.sum(X*Y)/(np_-1)
            if mode == 'pairwise': Sx, Sy = X.T@X/(np_-1), Y.T@Y/(np_-1)
            else:
                Xa, Ya = c(views[i][mask[:, i]==1]), c(views[j][mask[:, j]==1])
                Sx, Sy = Xa.T@Xa/(len(Xa)-1), Ya.T@Ya/(len(Ya)-1)
            v = cross - .5*np.trace(Sx@Sy); pairs[f'{i}{j}'] = dict(n_pair=np_, cross=cross, penalty=cross-v, objective=v); obj += v
        return -obj, pairs
    out = {}
    for mode in ('pairwise', 'available'):
        l, p = missing([A, B, C], mode); g = []
        for i in range(3):
            vs = [A, B, C]
            def f(X, i=i): v2 = list(vs); v2[i] = X; return missing(v2, mode)[0]
            g.append(fd(f, vs[i], 1e-4))
        # closed form gradient
        gd = [np.zeros((n, k)) for _ in range(3)]; vs = [A, B, C]
        for i, j in itertools.combinations(range(3), 2):
            p_ = np.where((mask[:, i] & mask[:, j]) == 1)[0]; m_ = len(p_); X, Y = c(vs[i][p_]), c(vs[j][p_])
            gd[i][p_] -= Y/(m_-1); gd[j][p_] -= X/(m_-1)
            ri, rj = (p_, p_) if mode == 'pairwise' else (np.where(mask[:, i]==1)[0], np.where(mask[:, j]==1)[0])
            Xa, Ya = c(vs[i][ri]), c(vs[j][rj]); Sx, Sy = Xa.T@Xa/(len(ri)-1), Ya.T@Ya/(len(rj)-1)
            gd[i][ri] += Xa@Sy/(len(ri)-1); gd[j][rj] += Ya@Sx/(len(rj)-1)
        for i in range(3): chk(g[i], gd[i], 1e-7)
        out[mode] = dict(loss=l, pairs=p, grads=[L(x) for x in gd])
    save('soft_hgr_missing_views', dict(convention={'pairwise': 'pair (i,j): every statistic from rows where BOTH are present (n_pair-1)',
        'available': 'cross term from rows where both are present, centred by the PAIRED means, /(n_pair-1); S_i from ALL rows where view i is present, own mean, /(n_i-1) (semi-supervised Soft-HGR). Values at masked rows must not influence anything and get gradient 0.'},
        n=n, k=k, seed=22, generator='A=mat; B=.7A+.4mat; C=.5A*A+.5mat', views=[L(A), L(B), L(C)], mask=mask.tolist(), expected=out))

# ---------------------------------------------------------------- label view, one-sided H-score
def labels():
    r = Lcg(31); n, k, Cn = 12, 3, 4; F = r.mat(n, k); y = np.array([0,1,2,0,1,2,0,1,2,0,1,0]); E = r.mat(Cn, k); F = F + .8*E[y]
    G = E[y]; v, dF, dG = soft_hgr(F, G)
    dE = np.zeros_like(E); np.add.at(dE, y, dG)
    chk(fd(lambda X: soft_hgr(F, X[y])[0]['loss'], E), dE)
    pi = np.bincount(y, minlength=Cn)/n; eb = pi@E; S = (E-eb).T@np.diag(pi)@(E-eb)*n/(n-1)
    F0 = c(F); mu = np.array([F0[y==q].mean(0) if (y==q).any() else np.zeros(k) for q in range(Cn)])
    cross = np.sum(pi[:, None]*mu*(E-eb))*n/(n-1); chk(cross, v['cross'], 1e-12)
    chk(.5*np.trace(F0.T@F0/(n-1)@S), v['penalty'], 1e-12)
    # optimum over the table for fixed f: g*(y) = Sf^{-1} * class mean of ~f ; value = one-sided score
    out = {}
    for nm, dd in (('population', 0), ('unbiased', 1)):
        Sf = F0.T@F0/(n-dd); Sb = sum(pi[q]*np.outer(mu[q], mu[q]) for q in range(Cn))*n/(n-dd)
        h = np.trace(np.linalg.solve(Sf, Sb)); out[nm] = dict(h_score_bao=h, one_sided_h=.5*h, optimal_table=L(np.linalg.solve(Sf, mu.T).T))
        Eo = np.linalg.solve(Sf, mu.T).T; vv = soft_hgr(F, Eo[y], 'population' if dd == 0 else 'unbiased')[0]['objective']
        chk(vv, .5*h if dd == 1 else .5*h, 1e-10)
    save('label_view', dict(convention='label view g = E[y] (embedding table C x k), unbiased. Class 3 has no sample: its gradient row is 0. label view can be computed from class counts and class means only: cost O(n k + C k^2) beyond Sf. h_score_bao = tr(Sf^-1 Cov(E[f|Y])) (Bao et al. 2019 transferability; both covs same ddof, so ddof cancels); one_sided_h = 1/2 of it = max over g of Soft-HGR; optimal_table row c = Sf^-1 (mean of ~f in class c).',
        n=n, k=k, classes=Cn, seed=31, f=L(F), y=y.tolist(), table=L(E), expected=dict(**v, dloss_df=L(dF), dloss_dtable=L(dE)), one_sided=out))

# ---------------------------------------------------------------- nested H-score
def nested():
    r = Lcg(41); n, k = 10, 4; F = r.mat(n, k); G = .6*F+.5*r.mat(n, k)
    def nl(F, G): return sum(soft_hgr(F[:, :d], G[:, :d])[0]['loss'] for d in range(1, k+1))
    F0, G0 = c(F), c(G); w = np.arange(k, 0, -1.); W = k - np.maximum.outer(np.arange(k), np.arange(k)).astype(float)
    Sf, Sg = F0.T@F0/(n-1), G0.T@G0/(n-1)
    val = -(np.sum(F0*G0*w)/(n-1) - .5*np.sum(W*Sf*Sg)); chk(val, nl(F, G), 1e-12)
    dF = (-G0*w + F0@(W*Sg))/(n-1); dG = (-F0*w + G0@(W*Sf))/(n-1)
    chk(fd(lambda X: nl(X, G), F), dF); chk(fd(lambda X: nl(F, X), G), dG)
    # stop-gradient nesting: level d only trains column d
    dFs = np.zeros_like(F); dGs = np.zeros_like(G)
    for d in range(k):
        _, a, b = soft_hgr(F[:, :d+1], G[:, :d+1]); dFs[:, d] = a[:, d]; dGs[:, d] = b[:, d]
    U = np.triu(np.ones((k, k)))        # column d sees S[:d+1,d]
    chk(dFs, (-G0 + F0@(U*Sg))/(n-1), 1e-12); chk(dGs, (-F0 + G0@(U*Sf))/(n-1), 1e-12)
    save('nested_h_score', dict(convention='loss = sum_{d=1..k} SoftHGR_loss(f[:, :d], g[:, :d]), unbiased. Single-pass form: -( sum_i w_i cross_i - 1/2 sum_ij W_ij Sf_ij Sg_ij ), w_i = k-i, W_ij = k-max(i,j), 0-based. grad_f = (-~g*w + ~f (W o Sg))/(n-1). stop_grad variant (NFE MaxCorr_Normal): same value, gradient uses w=1 and W = upper triangle (j>=i) so column d gets ~f[:, :d+1] Sg[:d+1, d].',
        n=n, k=k, seed=41, f=L(F), g=L(G), per_level=[soft_hgr(F[:, :d], G[:, :d])[0]['loss'] for d in range(1, k+1)], loss=val, dloss_df=L(dF), dloss_dg=L(dG), stopgrad_df=L(dFs), stopgrad_dg=L(dGs)))

# ---------------------------------------------------------------- U-statistic penalty
def ustat():
    def U(F, G):
        n = len(F); F, G = c(F), c(G); A = np.trace(F.T@F@G.T@G); X = F.T@G; B = np.trace(X@X); m = np.sum(F*G, 1); D = m@m; t = m.sum()
        return ((n*n-3*n+1)*A - n*(n-1)*D + t*t + B)/(n*(n-1)*(n-2)*(n-3))
    def brute(F, G):
        n = len(F); s = 0.; q = 0
        for a, b, x, d in itertools.permutations(range(n), 4): s += .25*((F[a]-F[b])@(G[x]-G[d]))**2; q += 1
        return s/q
    cases = []
    for n, k, seed in ((4, 2, 51), (7, 3, 52), (8, 5, 53)):
        r = Lcg(seed); F = r.mat(n, k)+.2; G = .6*F+.5*r.mat(n, k); u = U(F, G); chk(u, brute(F, G), 1e-10)
        F0, G0 = c(F), c(G); m = np.sum(F0*G0, 1); t = m.sum(); Gg = G0.T@G0; Gf = F0.T@F0; X = F0.T@G0; den = n*(n-1)*(n-2)*(n-3)
        dU_F = (2*(n*n-3*n+1)*F0@Gg - 2*n*(n-1)*m[:, None]*G0 + 2*t*G0 + 2*G0@X)/den
        dU_G = (2*(n*n-3*n+1)*G0@Gf - 2*n*(n-1)*m[:, None]*F0 + 2*t*F0 + 2*F0@X.T)/den
        dU_F = c(dU_F); dU_G = c(dU_G)
        chk(fd(lambda Z: U(Z, G), F), dU_F); chk(fd(lambda Z: U(F, Z), G), dU_G)
        cross = np.sum(F0*G0)/(n-1)
        cases.append(dict(n=n, k=k, seed=seed, f=L(F), g=L(G), u_trace=u, plugin_trace=np.trace(Gf@Gg)/(n-1)**2, cross=cross, loss=.5*u-cross, dloss_df=L(.5*dU_F-G0/(n-1)), dloss_dg=L(.5*dU_G-F0/(n-1))))
    save('soft_hgr_ustat', dict(convention='u_trace = unbiased estimate of tr(Sf Sg) = mean over ordered distinct 4-tuples of 1/4((f_a-f_b).(g_c-g_d))^2 = [(n^2-3n+1)A - n(n-1)D + t^2 + B]/[n(n-1)(n-2)(n-3)] with centred F,G: A=tr(F^TF G^TG), B=tr((F^TG)^2), m_a=f_a.g_a, D=sum m^2, t=sum m. n>=4. loss = u_trace/2 - sum(F*G)/(n-1); u_trace can be <= 0 on a batch; the loss has no lower bound on a FIXED batch (spike features). Gradient columns must be re-centred (the diagonal D term breaks zero column sums).', generator='F=mat+.2; G=.6F+.5mat', cases=cases))

# ---------------------------------------------------------------- CCA / whitened HGR
def cca_sv(X, Y, ridge=0., ddof=1):
    n = len(X); X, Y = c(X), c(Y); Sx, Sy, Sxy = X.T@X/(n-ddof)+ridge*np.eye(X.shape[1]), Y.T@Y/(n-ddof)+ridge*np.eye(Y.shape[1]), X.T@Y/(n-ddof)
    def isq(S): w, V = np.linalg.eigh(S); return V@np.diag(w**-.5)@V.T
    T = isq(Sx)@Sxy@isq(Sy); U, s, Vt = np.linalg.svd(T, full_matrices=False)
    return s, isq(Sx)@U, isq(Sy)@Vt.T, T
def sgn(A, B):   # sign fix: largest-magnitude entry of each column of A is positive (first wins ties)
    A, B = A.copy(), B.copy()
    for j in range(A.shape[1]):
        if A[np.argmax(np.abs(A[:, j]) > np.abs(A[:, j]).max()*(1-1e-9)), j] < 0: A[:, j] *= -1; B[:, j] *= -1
    return A, B
def cca():
    cases = []
    for name, n, p, q, seed in (('n12p4q3', 12, 4, 3, 61), ('n30p5q5', 30, 5, 5, 62), ('n6p5q4_n_lt_pq', 6, 5, 4, 63)):
        r = Lcg(seed); X = r.mat(n, p); Y = r.mat(n, q); Y[:, 0] += X[:, 0]; Y[:, 1] += .5*X[:, 1]**2
        for ridge in (0., 1e-3, .1):
            s, A, B, T = cca_sv(X, Y, ridge); A, B = sgn(A, B)
            if ridge == 0:
                Qx, Qy = np.linalg.qr(c(X))[0], np.linalg.qr(c(Y))[0]; s2 = np.linalg.svd(Qx.T@Qy, compute_uv=False); chk(s, s2, 1e-8)
            d = dict(name=name, n=n, p=p, q=q, seed=seed, ridge=ridge, x=L(X), y=L(Y), correlations=L(s), trace_norm=float(s.sum()), sum_squares=float((s**2).sum()), half_sum_squares=float(.5*(s**2).sum()),
                     x_weights=L(A), y_weights=L(B), gaussian_mi=(float(-.5*np.sum(np.log1p(-s**2))) if s.max() < 1-1e-9 else None))
            if ridge > 0 or n > p+q:
                Xc, Yc = c(X), c(Y); Sx = Xc.T@Xc/(n-1)+ridge*np.eye(p); Sy = Yc.T@Yc/(n-1)+ridge*np.eye(q)
                U, sv, Vt = np.linalg.svd(T, full_matrices=False)
                def isq(S): w, V = np.linalg.eigh(S); return V@np.diag(w**-.5)@V.T
                ix, iy = isq(Sx), isq(Sy)
                D12 = ix@U@Vt@iy; D11 = -.5*ix@U@np.diag(sv)@U.T@ix; D22 = -.5*iy@Vt.T@np.diag(sv)@Vt@iy
                gx = (2*Xc@D11 + Yc@D12.T)/(n-1); gy = (2*Yc@D22 + Xc@D12)/(n-1)
                chk(fd(lambda Z: cca_sv(Z, Y, ridge)[0].sum(), X), gx, 1e-6); chk(fd(lambda Z: cca_sv(X, Z, ridge)[0].sum(), Y), gy, 1e-6)
                Sxy = Xc.T@Yc/(n-1)   # d(sum s^2) : no eigenvectors needed, only solves
                Px, Py = np.linalg.solve(Sx, Sxy), np.linalg.solve(Sy, Sxy.T)
                g12 = 2*np.linalg.solve(Sx, np.linalg.solve(Sy, Sxy.T).T); g11 = -np.linalg.solve(Sx, Sxy@Py@np.linalg.inv(Sx)); g22 = -np.linalg.solve(Sy, Sxy.T@Px@np.linalg.inv(Sy))
                hx = (2*Xc@g11 + Yc@g12.T)/(n-1); hy = (2*Yc@g22 + Xc@g12)/(n-1)
                chk(fd(lambda Z: (cca_sv(Z, Y, ridge)[0]**2).sum(), X), hx, 1e-6); chk(fd(lambda Z: (cca_sv(X, Z, ridge)[0]**2).sum(), Y), hy, 1e-6)
                d.update(d_trace_norm_dx=L(gx), d_trace_norm_dy=L(gy), d_sum_squares_dx=L(hx), d_sum_squares_dy=L(hy))
            cases.append(d)
    save('cca', dict(convention='Sx = Xc^T Xc/(n-1) + ridge*I, Sy same, Sxy = Xc^T Yc/(n-1) (no ridge on Sxy); T = Sx^-1/2 Sxy Sy^-1/2; correlations = singular values of T, descending. x_weights A = Sx^-1/2 U, so A^T Sx A = I; sign: the largest-|.| entry of each column of A is positive, B follows. trace_norm = DeepCCA objective (Andrew 2013). sum_squares = 2 x max Soft-HGR over linear maps. gaussian_mi = -1/2 sum log(1-s^2) nats. Gradients are of the (to be maximised) quantity.', generator='X=mat(n,p); Y=mat(n,q); Y[:,0]+=X[:,0]; Y[:,1]+=.5*X[:,1]^2', cases=cases))

# read sigma from trained features
def readout():
    r = Lcg(71); n, k = 40, 3; X = r.mat(n, 1); F = np.hstack([X, X**2, X**3]); G = np.hstack([np.sin(3*X), X**2, X]) + .3*r.mat(n, 3)
    A = r.mat(3, 3)+2*np.eye(3); s, wx, wy, _ = cca_sv(F, G); s2 = cca_sv(F@A+5, G@A.T-1)[0]; chk(s, s2, 1e-9); wx, wy = sgn(wx, wy)
    save('hgr_readout', dict(convention='sigma = canonical correlations of (f,g): invariant to invertible linear maps and shifts. Modes: f*(x) = (f-mean) wx, unit variance (n-1), uncorrelated, cross-covariance = diag(sigma). max over linear heads of Soft-HGR = 1/2 sum sigma^2, attained at f* diag(sqrt(sigma)).',
        seed=71, f=L(F), g=L(G), mix=L(A), sigma=L(s), wx=L(wx), wy=L(wy), soft_hgr_at_optimal_heads=soft_hgr(c(F)@wx*np.sqrt(s), c(G)@wy*np.sqrt(s))[0]['objective'], half_sum_sq=float(.5*np.sum(s**2))))

# ---------------------------------------------------------------- discrete joint pmf
def modes(P):
    P = np.asarray(P, float); P = P/P.sum(); px, py = P.sum(1), P.sum(0); ix, iy = px > 0, py > 0
    Q = P[np.ix_(ix, iy)]; a, b = px[ix], py[iy]
    Bt = (Q - np.outer(a, b))/np.sqrt(np.outer(a, b)); U, s, Vt = np.linalg.svd(Bt, full_matrices=False)
    k = min(len(a), len(b))-1; s = s[:k]; f = np.full((len(px), k), np.nan); g = np.full((len(py), k), np.nan)
    f[ix] = U[:, :k]/np.sqrt(a)[:, None]; g[iy] = Vt.T[:, :k]/np.sqrt(b)[:, None]
    for j in range(k):
        col = np.nan_to_num(f[:, j]); i = np.argmax(np.abs(col) > np.abs(col).max()*(1-1e-9))
        if col[i] < 0: f[:, j] *= -1; g[:, j] *= -1
    return P, px, py, s, f, g
def nn(M): return [[None if np.isnan(v) else float(v) for v in row] for row in M]
def discrete():
    from math import comb
    cases = []
    e = .1; pm = {'bsc_0.1 (sigma=0.8)': [[.5*(1-e), .5*e], [.5*e, .5*(1-e)]], 'bec_0.3 (sigma=sqrt(0.7))': [[.35, .15, 0], [0, .15, .35]],
      'independent_3x4 (sigma=0)': np.outer([.2, .3, .5], [.1, .2, .3, .4]).tolist(), 'counts_4x5': [[10, 2, 0, 1, 5], [3, 8, 2, 0, 1], [0, 1, 9, 4, 2], [2, 0, 1, 7, 6]],
      'block_diag_common_part (sigma1=1)': [[.2, .1, 0, 0], [.1, .1, 0, 0], [0, 0, .2, .1], [0, 0, .05, .15]], 'zero_row_and_col': [[.3, 0, .1], [0, 0, 0], [.1, 0, .5]], 'identity3 (sigma=1,1 degenerate)': np.eye(3).tolist()}
    r = Lcg(20230606); pm['lcg_8x6'] = [[r.u() for _ in range(6)] for _ in range(8)]
    # Bernoulli(1/2) partial sums S_m, S_n m<n : HGR = sqrt(m/n) (Dembo-Kagan-Shepp)
    def part(m, n, p=.3):
        P = np.zeros((m+1, n+1))
        for i in range(m+1):
            for j in range(n-m+1): P[i, i+j] += comb(m, i)*p**i*(1-p)**(m-i)*comb(n-m, j)*p**j*(1-p)**(n-m-j)
        return P.tolist()
    pm['partial_sums_m2_n4_p0.3 (sigma1=sqrt(1/2))'] = part(2, 4); pm['partial_sums_m3_n5_p0.3 (sigma1=sqrt(3/5))'] = part(3, 5)
    for nme, P in pm.items():
        Pn, px, py, s, f, g = modes(P); phi2 = float(sum(Pn[i, j]**2/(px[i]*py[j]) for i in range(len(px)) for j in range(len(py)) if px[i]*py[j] > 0)-1); chk(phi2, np.sum(s**2), 1e-12)
        deg = any(abs(s[i]-s[i+1]) < 1e-6 for i in range(len(s)-1)) or s[0] < 1e-9
        cases.append(dict(name=nme, pmf_or_counts=L(P), normalised_pmf=L(Pn), px=L(px), py=L(py), sigma=L(s), hgr=float(s[0]), phi2=phi2, soft_hgr_optimum_all=.5*phi2, soft_hgr_optimum_k=[float(.5*np.sum(s[:k]**2)) for k in range(1, len(s)+1)], f=nn(f), g=nn(g), modes_unique=not deg))
    chk(modes(part(2, 4))[3][0], np.sqrt(.5), 1e-12); chk(modes(pm['bsc_0.1 (sigma=0.8)'])[3][0], .8, 1e-12); chk(modes(pm['bec_0.3 (sigma=sqrt(0.7))'])[3][0], np.sqrt(.7), 1e-12)
    save('discrete_modes', dict(convention='B = Dx^-1/2 (P - px py^T) Dy^-1/2, sigma = its singular values descending, the first min(|X|,|Y|)-1 over symbols with positive mass. f = Dx^-1/2 U (E f=0, E f^2=1), same g; sign: largest-|.| entry of each f column positive (first wins within 1e-9 relative). Symbols with zero mass: null. phi2 = chi^2/N = sum sigma^2. Compare f,g only where modes_unique.', cases=cases))
    # ACE = power iteration on the pmf
    P, px, py, s, f, g = modes(pm['counts_4x5']); h = np.array([0., 1, 2, 3, 4]); it = []
    def std(v, w): v = v - w@v; return v/np.sqrt(w@(v*v))
    h = std(h, py)
    for t in range(1, 201):
        u = std(P@h/px, px); rr = P.T@u/py; rho = np.sqrt(py@((rr-py@rr)**2)); h = std(rr, py)
        if t in (1, 2, 3, 5, 10, 200): it.append(dict(iter=t, rho=float(rho), corr=float(u@P@h), f=L(u), g=L(h)))
    chk(rho, s[0], 1e-12)
    save('ace_discrete', dict(convention='start g0 = standardised (0,1,2,3,4) under py. One iteration: f <- standardise_px( E[g|X] ); r <- E[f|Y]; rho = sd_py(r); g <- standardise_py(r). Population weights. rho increases to sigma_1.', pmf=L(P), iterations=it, sigma1=float(s[0])))
    # sample form: labels -> empirical pmf
    r = Lcg(81); n = 200; x = r.ints(n, 4); nz = r.ints(n, 10); y = np.where(nz < 6, (x*2+1) % 5, r.ints(n, 5)); Cn = np.zeros((4, 5)); np.add.at(Cn, (x, y), 1)
    _, _, _, s, f, g = modes(Cn)
    save('discrete_sample', dict(generator='x=ints(200,4); z=ints(200,10); r=ints(200,5); y = (2x+1) mod 5 if z<6 else r', seed=81, x=x.tolist(), y=y.tolist(), counts=L(Cn), sigma=L(s), f=nn(f), g=nn(g), chi2=float(n*np.sum(s**2)), dof=12, sigma2_debias_note='E[sum sigma^2] ~ dof/n under independence'))

# ---------------------------------------------------------------- streaming
def stream():
    r = Lcg(91); n, k = 23, 3; F = r.mat(n, k)+1e4; G = .6*(F-1e4)+.5*r.mat(n, k)-1e4; cuts = [0, 5, 6, 15, 23]; parts = []
    for a, b in zip(cuts, cuts[1:]):
        f, g = F[a:b], G[a:b]; parts.append(dict(n=b-a, mean_f=L(f.mean(0)), mean_g=L(g.mean(0)), Mff=L(c(f).T@c(f)), Mgg=L(c(g).T@c(g)), Mfg=L(c(f).T@c(g))))
    v, dF, dG = soft_hgr(F, G)
    # exact reference by shifting first
    v2, dF2, dG2 = soft_hgr(F-1e4, G+1e4)
    save('streaming', dict(convention='merge(A,B): n=nA+nB; d=meanB-meanA; mean=meanA+d*nB/n; M=MA+MB+outer(dA..)*nA*nB/n with (df,df),(dg,dg),(df,dg). Final M equals the one-shot centred moments; loss and per-row gradients follow from (n, means, Mff, Mgg, trace Mfg) and the local rows alone. Offset 1e4: f32 uncentred moments fail here.',
        seed=91, generator='F=mat+1e4; G=.6(F-1e4)+.5mat-1e4', cuts=cuts, f=L(F), g=L(G), parts=parts, total=dict(n=n, mean_f=L(F.mean(0)), mean_g=L(G.mean(0)), Mff=L(c(F).T@c(F)), Mgg=L(c(G).T@c(G)), Mfg=L(c(F).T@c(G))), loss=v2['loss'], loss_tolerance=1e-9, dloss_df=L(dF2), dloss_dg=L(dG2)))
    chk(v['loss'], v2['loss'], 1e-9)
for f in (twoview, nfe, multi, labels, nested, ustat, cca, readout, discrete, stream): f()
