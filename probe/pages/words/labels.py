"""What is on buttons and links, in many languages. Data: what pages of any make say, never one product's page."""

from probe.pages.vocabulary import vocabulary

SIGN_IN = vocabulary("""
    en: sign in, log in, login, signin, sign on, log on, logon, authenticate, let me in
    de: anmelden, einloggen, anmeldung, login
    fr: se connecter, connexion, connectez vous, s identifier, me connecter, s authentifier
    es: iniciar sesion, entrar, acceder, ingresar, conectarse, inicia sesion
    pt: iniciar sessao, entrar, acessar, fazer login, aceder
    it: accedi, entra, effettua il login, accesso
    nl: inloggen, aanmelden, log in, meld je aan
    ja: ログイン, サインイン
    sv: logga in
    da: log ind, log pa
    nb: logg inn, logg pa
    fi: kirjaudu
    pl: zaloguj, zaloguj sie
    cs: prihlasit
    tr: giris yap, oturum ac
    ru: войти, вход
    zh: 登录, 登入, 登錄
    ko: 로그인
""")

CONTINUE = vocabulary("""
    en: continue, next, proceed, submit, verify, confirm, go, ok, check, send, done
    de: weiter, fortfahren, bestatigen, absenden, uberprufen, prufen, senden
    fr: continuer, suivant, valider, verifier, confirmer, envoyer
    es: continuar, siguiente, verificar, confirmar, enviar
    pt: continuar, seguinte, proximo, avancar, verificar, confirmar, enviar
    it: continua, avanti, verifica, conferma, invia, prosegui
    nl: doorgaan, volgende, verder, verifieren, bevestigen, verzenden, controleren
    ja: 続行, 続ける, 次へ, 進む, 確認, 送信
    sv: fortsatt, nasta, bekrafta
    da: fortsaet, fortsæt, næste, bekræft
    nb: fortsett, neste, bekreft
    fi: jatka, seuraava
    pl: dalej, kontynuuj, potwierdz
    cs: pokracovat, dalsi
    tr: devam, ileri
    ru: продолжить, далее, подтвердить
    zh: 继续, 下一步, 繼續, 确认, 验证
    ko: 계속, 다음, 확인
""")

ALLOW = vocabulary("""
    en: allow, accept, agree, authorize, authorise, grant, approve, yes, permit, consent, give access
    de: zulassen, erlauben, akzeptieren, annehmen, zustimmen, autorisieren, genehmigen, gestatten, einwilligen, ja
    fr: autoriser, accepter, j accepte, approuver, permettre, consentir, oui
    es: permitir, aceptar, autorizar, aprobar, conceder, si, acepto
    pt: permitir, aceitar, autorizar, aprovar, conceder, sim, aceito
    it: consenti, accetta, autorizza, approva, permetti, concedi, acconsento, si
    nl: toestaan, accepteren, akkoord, autoriseren, goedkeuren, toestemmen, machtigen, ja
    ja: 許可, 同意, 承認, 承諾, はい
    sv: tillat, godkann, acceptera
    da: tillad, accepter, godkend
    nb: tillat, godta, godkjenn
    fi: salli, hyvaksy, kylla
    pl: zezwol, akceptuj, zgadzam, zatwierdz, tak
    cs: povolit, souhlasim, ano
    tr: izin ver, kabul et
    ru: разрешить, принять, согласен, да
    zh: 允许, 同意, 授权, 接受, 允許
    ko: 허용, 동의, 승인
""")

DENY = vocabulary("""
    en: deny, cancel, decline, reject, disagree, refuse, no, abort, back, go back, don t allow, do not allow, not now,
        stay, do not, don t, no thanks, disallow, return
    de: ablehnen, abbrechen, verweigern, nein, zuruck, nicht, verbieten
    fr: refuser, annuler, rejeter, non, retour, ne pas
    es: denegar, cancelar, rechazar, no, volver, atras
    pt: negar, cancelar, recusar, rejeitar, nao, voltar
    it: nega, annulla, rifiuta, no, indietro, non
    nl: weigeren, annuleren, afwijzen, nee, terug, niet, afbreken
    ja: 拒否, キャンセル, 同意しない, 許可しない, いいえ, 戻る, 取り消, 承認しない
    sv: neka, avbryt, nej, tillbaka, inte
    da: afvis, annuller, nej, tilbage, ikke
    nb: avvis, avbryt, nei, tilbake, ikke
    fi: kiella, peruuta, ei, takaisin
    pl: odmow, anuluj, nie, odrzuc, wstecz
    cs: zrusit, odmitnout, ne, zpet
    tr: iptal, reddet, hayir, geri
    ru: отклонить, отмена, отказать, нет, назад, запретить
    zh: 拒绝, 取消, 不同意, 拒絕, 返回, 不允许
    ko: 거부, 취소, 아니, 동의하지
""")

LOG_OUT = vocabulary("""
    en: log out, sign out, logout, signout, log off, sign off, logoff, log me out, sign me out, end session,
        logging out, signing out
    de: abmelden, ausloggen, abmeldung, melde mich ab
    fr: se deconnecter, deconnexion, me deconnecter, deconnecter, deconnectez
    es: cerrar sesion, salir, desconectar*, cerrar la sesion, finalizar sesion
    pt: terminar sessao, sair, encerrar sessao, desconectar, terminar a sessao
    it: esci, disconnetti, disconnettersi, uscire, termina sessione, disconnessione
    nl: uitloggen, afmelden, log uit, meld af
    ja: ログアウト, サインアウト
    sv: logga ut
    da: log ud, log af
    nb: logg ut, logg av
    fi: kirjaudu ulos
    pl: wyloguj
    cs: odhlasit
    tr: cikis yap, oturumu kapat
    ru: выйти, выход
    zh: 退出, 登出, 注销
    ko: 로그아웃
""")

SKIP = vocabulary("""
    en: skip, not now, maybe later, later, remind me later, no thanks, ask later, do this later, do it later,
        skip for now, don t ask again, continue without
    de: uberspringen, nicht jetzt, spater, nein danke
    fr: ignorer, pas maintenant, plus tard, passer, non merci
    es: omitir, ahora no, mas tarde, no gracias, saltar
    pt: ignorar, agora nao, mais tarde, nao obrigado, pular
    it: salta, non ora, piu tardi, no grazie, ignora
    nl: overslaan, niet nu, later, nee bedankt
    ja: スキップ, 後で, 今はしない, あとで
    zh: 跳过, 以后再说, 稍后
    ko: 건너뛰기, 나중에
    sv: hoppa over, inte nu
    pl: pomin, nie teraz, pozniej
    ru: пропустить, не сейчас, позже
""")

ANOTHER_WAY = vocabulary("""
    en: another way, other way, another method, other method, other methods, other options, more options,
        different method, different way, another option, other ways, alternative method, choose another, change method
    de: andere methode, weitere optionen, andere moglichkeit, auf andere weise, auf anderem weg, andere option
    fr: autre methode, autre moyen, autres options, une autre facon, autrement
    es: otro metodo, otra forma, otra manera, otras opciones, mas opciones
    pt: outro metodo, outra forma, outra maneira, outras opcoes, mais opcoes
    it: altro metodo, altro modo, altre opzioni
    nl: andere manier, andere methode, andere opties, meer opties
    ja: 別の方法, 他の方法, ほかの方法
    zh: 其他方式, 其他方法
    ko: 다른 방법
""")
"""Leads to a list of ways."""

OTHER_WAY = vocabulary("""
    en: with google, with apple, with github, with microsoft, with facebook, with twitter, with x, with linkedin,
        with sso, with passkey, with a passkey, with security key, with a security key, with okta, with gitlab,
        with amazon, with magic link, using sso, passkey, security key, magic link, single sign on, sso, webauthn,
        google, github, facebook, smart card, certificate, face id, touch id, windows hello, qr code, email me,
        e mail me, send code, send me a, text me, kerberos, one time link, saml, fingerprint, biometric*
    de: mit google, mit apple, mit github, mit microsoft, sicherheitsschlussel, zertifikat, code senden
    fr: avec google, avec apple, avec github, avec microsoft, cle de securite, certificat, envoyer un code
    es: con google, con apple, con github, con microsoft, llave de seguridad, certificado, clave de acceso
    pt: com google, com o google, com apple, com microsoft, chave de seguranca, certificado
    it: con google, con apple, con microsoft, chiave di sicurezza, certificato, con spid, con cie
    nl: met google, met apple, met microsoft, beveiligingssleutel, certificaat
    ja: googleで, appleで, microsoftで, パスキー, セキュリティキー
""")

ASIDE = vocabulary("""
    en: send + code, another code, get + code, request + code,
        forgot, forgotten, reset, register, sign up, signup, create account, create an account, resend, send again,
        send new, new code, show password, show, hide, help, search, change language, language, switch, subscribe,
        need help, another way, other options, try another, different account, another account, change, edit, copy,
        close, menu, download, get code, request code, toggle, clear, refresh, reload, new captcha, demo, cookies,
        cookie, accept all, remove, dismiss
    de: code + senden, code + anfordern,
        vergessen, registrieren, konto erstellen, erneut senden, passwort anzeigen, anzeigen, suche, suchen, hilfe,
        zurucksetzen, sprache, neuen code, schliessen, alle akzeptieren
    fr: envoyer + code, renvoyer,
        oublie, s inscrire, inscription, creer un compte, renvoyer, afficher, rechercher, recherche, aide,
        reinitialiser, langue, fermer, tout accepter
    es: enviar + codigo,
        olvide, olvidaste, olvidado, registrarse, registrarme, crear cuenta, crear una cuenta, reenviar, mostrar,
        buscar, ayuda, restablecer, idioma, cerrar, aceptar todo
    pt: enviar + codigo,
        esqueci, esqueceu, registar, registrar, criar conta, reenviar, mostrar, pesquisar, buscar, ajuda, redefinir,
        idioma, fechar
    it: invia + codice,
        dimenticat*, registrati, crea account, crea un account, invia di nuovo, reinvia, mostra, cerca, aiuto,
        reimposta, lingua, chiudi
    nl: stuur + code, verzend + code,
        vergeten, registreren, account aanmaken, account maken, opnieuw verzenden, opnieuw sturen, tonen, zoeken,
        hulp, herstellen, taal, sluiten
    ja: コード + 送信,
        忘れ, 新規登録, アカウント作成, アカウントを作成, 再送信, 再送, 表示, 検索, ヘルプ, リセット, 言語, 閉じる
    sv: glomt, registrera, skapa konto, sok
    pl: zapomniane, zarejestruj, szukaj
    ru: забыли, регистрация, зарегистрироваться, поиск
    zh: 忘记, 注册, 重新发送, 搜索, 註冊
    ko: 찾기, 회원가입, 재전송, 검색
""")
"""Buttons that lead aside: they are pressed only when no other is there, and never with a password."""
